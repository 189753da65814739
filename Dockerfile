# One image for a laptop, CI, and the head and workers of a cluster.
#
#   docker build -t sprd .
#   docker run --rm --init --shm-size 1g -v "$PWD/runs:/runs" sprd sprd sweep sweeps/default.toml
#   docker run --rm -v "$PWD/runs:/runs" -p 127.0.0.1:6006:6006 sprd \
#     tensorboard --logdir /runs --bind_all
#
# Linux x86-64 only, as tflite-micro has no other wheels; elsewhere add --platform linux/amd64.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

# Ray's launcher runs bash and rsync in the image, its head reaches the workers with ssh, and KubeRay
# before 1.6 asks with wget whether a node is alive. The Arm compiler and QEMU are what `sprd emulate`
# runs; libraries go that no Cortex-M without floating-point arguments needs.
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        bash ca-certificates gcc-arm-none-eabi libnewlib-arm-none-eabi \
        libstdc++-arm-none-eabi-newlib openssh-client qemu-system-arm rsync wget \
    && apt-get clean && rm -rf /var/lib/apt/lists/* \
    && find /usr/lib/gcc/arm-none-eabi /usr/lib/arm-none-eabi -depth -type d \
        \( -path '*/thumb/v7' -o -path '*/thumb/*+*' -o -path '*/thumb/v7-[ar]*' \
        -o -path '*/thumb/v7ve*' -o -path '*/thumb/v8-a*' -o -path '*/arm/v*' \) \
        -exec rm -r {} + \
    && find /usr/lib/arm-none-eabi -name '*.a' -exec arm-none-eabi-strip -g {} +

# What is written to a mounted folder belongs to this user: --build-arg UID=$(id -u) makes it yours.
ARG UID=1000
# ~/.ray is made here, because Docker would make it for root when a token is mounted into it.
RUN useradd --uid ${UID} --create-home --shell /bin/bash sprd \
    && install -d -o sprd -g sprd /runs /home/sprd/.ray \
    && ln -s /runs /home/sprd/runs

# HOME is spelled out because Ray's launcher reads it from the image and else takes /root.
ENV HOME=/home/sprd \
    PATH=/opt/sprd/bin:$PATH \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    SPRD_CACHE=/runs/.cache

# Ray's launcher starts login shells, and Debian's /etc/profile sets PATH anew.
RUN echo 'PATH="/opt/sprd/bin:$PATH"' > /etc/profile.d/sprd.sh

# The dependencies come first, in a layer that a change of the code leaves alone. Of Google's services
# only those stay that Ray starts machines with.
WORKDIR /src
COPY pyproject.toml constraints.txt ./
RUN python3 -m venv /opt/sprd \
    && python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['synth'], *p['optional-dependencies']['media'], *p['optional-dependencies']['cluster'], *p['optional-dependencies']['cloud'], sep='\n')" > requirements.txt \
    && pip install -c constraints.txt -r requirements.txt \
    && rm -rf /opt/sprd/lib/python3*/site-packages/tensorflow/include \
    && find /opt/sprd/lib/python3*/site-packages/googleapiclient/discovery_cache/documents -type f \
        ! -name 'cloudresourcemanager.v1.json' ! -name 'compute.v1.json' ! -name 'iam.v1.json' -delete

COPY README.md LICENSE NOTICE ./
COPY sprd sprd
RUN pip install --no-deps -c constraints.txt '.[synth,media,cluster,cloud]'
COPY --chown=sprd:sprd sweeps /home/sprd/sweeps

USER sprd
WORKDIR /home/sprd
VOLUME /runs
# TensorBoard
EXPOSE 6006
# No ENTRYPOINT: Ray's launcher starts the image with `bash`.
CMD ["sprd", "--help"]
