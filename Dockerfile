# One image, four commands (collect, watch, serve, db upgrade). Built from this repo alone.
FROM node:22-bookworm-slim AS page
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --omit=dev
COPY scripts ./scripts
COPY api/web ./api/web
RUN node scripts/vendor.mjs

FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY requirements-run.lock ./
RUN python -m venv /opt/radcommons && /opt/radcommons/bin/pip install --no-cache-dir --require-hashes -r requirements-run.lock
COPY . .
RUN /opt/radcommons/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim-bookworm
RUN groupadd --gid 10001 radcommons && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin radcommons \
    && mkdir -p /var/lib/radcommons && chown radcommons:radcommons /var/lib/radcommons
COPY --from=build /opt/radcommons /opt/radcommons
COPY --from=build /src /app
COPY --from=page /src/api/web/vendor /app/api/web/vendor
WORKDIR /app
ENV PATH=/opt/radcommons/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 RADCOMMONS_CONFIG=/config
USER 10001:10001
ENTRYPOINT ["radcommons"]
CMD ["--help"]
