ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
COPY locks/gpu.txt /tmp/
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps --require-hashes \
      --requirement /tmp/gpu.txt
COPY docker/trim.sh /tmp/
RUN sh /tmp/trim.sh /opt/venv

FROM packages AS app
ENV PATH=/opt/venv/bin:$PATH PYTHONPYCACHEPREFIX=/opt/pycache ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY LICENSE ./
COPY models models
COPY service service
COPY docker/healthcheck.py docker/smoke.py /opt/
RUN python /opt/smoke.py

FROM ${PYTHON_IMAGE}
# The driver's own libraries are not in the image: NVIDIA's container runtime mounts the host's.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPYCACHEPREFIX=/opt/pycache \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    ORT_DISABLE_TELEMETRY=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    CVAE_HOST=0.0.0.0 \
    CVAE_PORT=8000
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
# onnxruntime looks for the CUDA libraries where the loader does, and nowhere else unless told in Python.
RUN printf '%s\n' /opt/venv/lib/python3.*/site-packages/nvidia/*/lib >/etc/ld.so.conf.d/cuda-packages.conf \
 && ldconfig
COPY docker/healthcheck.py /opt/
COPY --from=app /app /app
COPY --from=app /opt/pycache /opt/pycache
USER 10001:10001
EXPOSE 8000
# Often, and cheap: a start interval of its own is unknown to Docker before 25.
HEALTHCHECK --interval=2s --timeout=8s --start-period=60s CMD ["python", "-I", "-S", "/opt/healthcheck.py"]
ENTRYPOINT ["python", "-m", "service"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="CVAE service for NVIDIA GPUs" \
      org.opencontainers.image.description="Serves convolutional variational autoencoders over HTTP, on CUDA" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
