ARG PYTHON_IMAGE=python:3.13-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
COPY locks/train.txt /tmp/
RUN python3 -m venv --without-pip /opt/venv \
 && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir --no-deps --require-hashes \
      --requirement /tmp/train.txt

FROM ${PYTHON_IMAGE}
# Keras and matplotlib keep files at home, and who runs this has none.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    HOME=/tmp
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
RUN install --directory --owner 10001 --group 10001 data runs models
VOLUME ["/app/data", "/app/runs", "/app/models"]
COPY LICENSE ./
COPY training training
USER 10001:10001
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="CVAE trainer" \
      org.opencontainers.image.description="Trains convolutional variational autoencoders and exports them" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
