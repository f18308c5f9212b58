# syntax=docker/dockerfile:1
FROM rust:1.95-slim-bookworm AS build
# What librdkafka is built with.
RUN apt-get update && apt-get install -y --no-install-recommends g++ make perl pkg-config python3 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
# With zlib inside: the image below has the C library and nothing else.
ENV LIBZ_SYS_STATIC=1
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    make release && cp target/dist/opentrack /usr/local/bin/opentrack
# A volume takes over who owns the directory that it covers.
RUN install -d -o 10001 -g 10001 -m 0750 /data

# No shell, no package manager: the C library, certificates, time zones.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /usr/local/bin/opentrack /usr/local/bin/opentrack
COPY --from=build --chown=10001:10001 /data /data
USER 10001:10001
WORKDIR /data
# PORT makes the first listener 0.0.0.0:3000; a configuration is mounted as /data/config.toml or named with --config.
ENV PORT=3000 OPENTRACK__SERVER__DATA_DIR=/data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["/usr/local/bin/opentrack", "ready"]
ENTRYPOINT ["/usr/local/bin/opentrack"]
