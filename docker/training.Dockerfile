# The offline half. Build from the project's root: docker build -f docker/training.Dockerfile -t osusume/training .
FROM python:3.11-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_CACHE_DIR=/var/cache/pip

# The same user id in both images: training writes the store, the service reads it.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp osusume
WORKDIR /app

# Dependencies before code, so that a change of code installs nothing again. The cache spares tensorflow's download
# when they do change.
COPY pyproject.toml constraints.txt /tmp/build/
RUN --mount=type=cache,target=/var/cache/pip \
    cd /tmp/build && touch README.md \
    && pip install -c constraints.txt ".[training,service,s3,database,dask]" \
    && rm -r /tmp/build \
    # Headers, a fifth of tensorflow's size; only who compiles against it needs them.
    && rm -r /usr/local/lib/python3.11/site-packages/tensorflow/include

COPY docker/train.sh docker/
COPY models models
COPY training training
# What the commands `similar` and `recommend` ask, and workers of a cluster for `service.precompute`.
COPY service service
RUN install -d -o osusume -g osusume models/store runs

USER osusume
ENTRYPOINT ["python", "-m", "training"]
CMD ["--help"]
