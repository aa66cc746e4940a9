# Farfill on processors. Build and use:
#   docker build -t farfill .
#   docker run --rm -v "$PWD:/data" farfill farfill-inpaint photo.jpg hole.png -o filled.png --ckpt best.ckpt
FROM python:3.11-slim AS build
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim
# The index has PyTorch for processors only; constraints.txt has the versions that pass the tests.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    --mount=type=bind,source=constraints.txt,target=/constraints.txt \
    pip install --no-cache-dir -c /constraints.txt "$(echo /wheels/*.whl)[report]"
# Folders that are mounted belong to somebody; `docker run --user $(id -u)` writes as that person.
ENV HOME=/tmp
WORKDIR /data
CMD ["farfill-inpaint", "--help"]
