ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/*
COPY locks/service.txt /tmp/
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-compile --no-deps --require-hashes \
      --requirement /tmp/service.txt
COPY docker/trim.sh /tmp/
RUN sh /tmp/trim.sh /opt/venv

FROM packages AS app
# One tree of bytecode for everything: the public Python images carry none for the standard library.
ENV PATH=/opt/venv/bin:$PATH PYTHONPYCACHEPREFIX=/opt/pycache ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY LICENSE ./
COPY models models
COPY service service
COPY docker/healthcheck.py docker/smoke.py /opt/
RUN python /opt/smoke.py

FROM ${PYTHON_IMAGE}
# onnxruntime reports its use to its makers unless told not to. numpy would start a thread a core for matrices
# that the service does not multiply.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPYCACHEPREFIX=/opt/pycache \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    OPENBLAS_NUM_THREADS=1 \
    ORT_DISABLE_TELEMETRY=1 \
    CVAE_HOST=0.0.0.0 \
    CVAE_PORT=8000
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
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
LABEL org.opencontainers.image.title="CVAE service" \
      org.opencontainers.image.description="Serves convolutional variational autoencoders over HTTP" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
