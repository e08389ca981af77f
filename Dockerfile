# Two stages: the first builds the wheel and installs the locked requirements, the second only
# runs them. For a build that can be repeated to the byte, give BASE with its digest:
#   docker build --build-arg BASE=python:3.11.15-slim-bookworm@sha256:… -t syncd .
ARG BASE=python:3.11.15-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/runtime.txt requirements/build.txt requirements/
# /opt/venv goes into the image and has no pip of its own; /opt/build stays behind.
RUN python -m venv --without-pip /opt/venv \
    && python -m venv /opt/build \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --only-binary=:all: --require-hashes -r requirements/runtime.txt \
    && /opt/build/bin/pip install --only-binary=:all: --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY syncd/ syncd/
COPY connectors/ connectors/
COPY mappings/ mappings/
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/build/bin/pip --python /opt/venv/bin/python install --no-deps dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="syncd" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN python -m pip uninstall --yes --root-user-action=ignore pip setuptools wheel \
    && groupadd --gid 10001 syncd \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/syncd --shell /usr/sbin/nologin syncd \
    && install -d -o syncd -g syncd -m 0750 /var/lib/syncd \
    && install -d -m 0755 /etc/syncd
COPY --from=build /opt/venv /opt/venv
# The root file system can be read-only: all that syncd writes is the state, in the volume.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/var/lib/syncd \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    SYNCD_CONFIG=/etc/syncd/config.toml
WORKDIR /var/lib/syncd
VOLUME /var/lib/syncd
USER 10001:10001
EXPOSE 8080
# `syncd run` ends by itself within 30 seconds of a SIGTERM.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["syncd", "health"]
ENTRYPOINT ["syncd"]
CMD ["run"]
