ARG PYTHON_IMAGE=python:3.13-slim-trixie

# NVIDIA's load generator for the Open Inference Protocol. Its wheel needs the C library of Debian 13.
FROM ${PYTHON_IMAGE}
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --only-binary :all: \
      perf-analyzer==2.60.0
ENV PATH=/opt/venv/bin:$PATH
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["perf_analyzer"]
