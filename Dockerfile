# The stages: toolchain, which holds nothing of this project but the modules it needs; test, which the
# matrix in docker/ runs; build; and runtime, which is what "docker build" makes without --target.
# docs/guide/docker.md tells how to use the images.
ARG BASE=debian:bookworm
ARG GO=golang:1.26-bookworm

# Without a shell: the matrix has an image of Go with nothing else in it.
FROM ${GO} AS go
ENV GOPATH=/go GOTOOLCHAIN=local
WORKDIR /modules
COPY go.mod go.sum ./
RUN ["/usr/local/go/bin/go", "mod", "download"]

FROM ${BASE} AS toolchain
ENV PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    GOPATH=/go GOTOOLCHAIN=local GOFLAGS=-buildvcs=false
WORKDIR /src
# Nobody needs a layer that was not finished, so dpkg need not wait for the disk.
RUN echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe-io && \
    apt-get update -q && \
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
        bubblewrap dpkg-dev gcc groff iproute2 libc6-dev libcap-dev libluajit-5.1-dev make mandoc \
        pkg-config procps strace util-linux && \
    rm -rf /var/lib/apt/lists/*
COPY --from=go /usr/local/go /usr/local/go
COPY --from=go /go/pkg/mod /go/pkg/mod
RUN go build std

FROM toolchain AS source
COPY . .

FROM source AS test
CMD ["docker/run-tests"]
RUN docker/build-tests

FROM source AS build
RUN make static

# One file: the command needs no other. What it shall execute comes from a volume, or from an image
# that this file is copied into.
FROM scratch AS runtime
ENTRYPOINT ["/initscript"]
COPY --from=build /src/bin/static/initscript /initscript
