# syntax=docker/dockerfile:1
FROM rust:1.95-slim-bookworm AS build
# What librdkafka is built with.
RUN apt-get update && apt-get install -y --no-install-recommends g++ make perl pkg-config python3 zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --locked --profile dist && cp target/dist/opentrack /usr/local/bin/opentrack

FROM debian:bookworm-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin opentrack \
    && install -d -o opentrack -g opentrack -m 0750 /data
COPY --from=build /usr/local/bin/opentrack /usr/local/bin/opentrack
USER opentrack
WORKDIR /data
# PORT makes the first listener 0.0.0.0:3000; a configuration is mounted as /data/config.toml or named with --config.
ENV PORT=3000 OPENTRACK__SERVER__DATA_DIR=/data
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
# The image has no HTTP client; bash speaks enough of it.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD \
    ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /ready HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["opentrack"]
