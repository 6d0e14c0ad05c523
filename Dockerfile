# docker build -t emosplat .                                       draws on the processor
# docker build -t emosplat --build-arg FLAVOUR=cuda .              NVIDIA GPUs (docker run --gpus all ...)
# docker run --rm -v "$PWD:/clips" --user "$(id -u):$(id -g)" emosplat speech.wav -e happy -o out.mp4
# docker run --rm -v "$PWD:/clips" -p 8080:8080 emosplat view --host 0.0.0.0
ARG FLAVOUR=cpu
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS cpu
RUN apt-get update \
    && apt-get install -y --no-install-recommends espeak-ng \
    && rm -rf /var/lib/apt/lists/*

# gsplat compiles its kernels with nvcc, so that this one has the whole toolkit
FROM nvidia/cuda:12.8.1-devel-ubuntu24.04 AS cuda
ENV TORCH_CUDA_ARCH_LIST="7.5;8.0;8.6;8.9;9.0+PTX"
RUN apt-get update \
    && apt-get install -y --no-install-recommends espeak-ng python3 python3-venv python3-dev ninja-build \
    && rm -rf /var/lib/apt/lists/*

FROM ${FLAVOUR}
ARG EXTRAS=live,spz,study,transcript,view
# further arguments of pip, for instance the index of PyTorch's wheels without CUDA, which are 4 GB smaller
ARG PIP=
# Whoever runs it, without a name or a home: compiled code is kept if its folders can be written, your own people in /clips
ENV PATH=/opt/venv/bin:$PATH \
    NUMBA_CACHE_DIR=/opt/numba \
    TORCH_EXTENSIONS_DIR=/opt/torch \
    EMOSPLAT_HOME=/clips/.emosplat-home
COPY . /src
RUN python3 -m venv /opt/venv \
    && pip install --no-cache-dir ${PIP} "/src[${EXTRAS}]" \
    && mkdir -p /opt/numba /opt/torch /clips \
    && render doctor \
    && chmod -R a+rwX /opt/numba /opt/torch
WORKDIR /clips
ENTRYPOINT ["render"]
CMD ["--help"]
