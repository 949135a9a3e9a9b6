# docker build -t styler .
# docker run --rm -v "$PWD:/pictures" --user "$(id -u):$(id -g)" styler render photo.jpg painting.jpg

FROM python:3.13-slim AS build
RUN python -m venv /opt/styler
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY weights/compact.npz weights/decoder.npz weights/checksums.json weights/
COPY styler styler
RUN /opt/styler/bin/pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.13-slim
RUN useradd --create-home painter
COPY --from=build /opt/styler /opt/styler
ENV PATH="/opt/styler/bin:$PATH"
USER painter
WORKDIR /pictures
ENTRYPOINT ["styler"]
CMD ["--help"]
