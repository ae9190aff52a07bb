# The HTTP half. Build from the project's root: docker build -f docker/service.Dockerfile -t osusume/service .
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_CACHE_DIR=/var/cache/pip

# The same user id in both images: training writes the store, the service reads it.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp osusume
WORKDIR /app

# Dependencies before code, so that a change of code installs nothing again.
COPY pyproject.toml constraints.txt /tmp/build/
RUN --mount=type=cache,target=/var/cache/pip \
    cd /tmp/build && touch README.md \
    && pip install -c constraints.txt ".[service,s3,otel]" \
    && rm -r /tmp/build

COPY docker/healthcheck.py docker/
COPY models models
COPY service service
RUN install -d -o osusume -g osusume models/store

USER osusume
ENV OSUSUME_HOST=0.0.0.0 OSUSUME_PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=4s --start-period=60s --retries=3 CMD ["python", "docker/healthcheck.py"]
CMD ["python", "-m", "service"]
