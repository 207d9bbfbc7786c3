# Build the orrery binary
FROM golang:1.26 AS builder
ARG TARGETOS
ARG TARGETARCH
# What the program says of its version; `make docker-build` hands it over.
ARG LDFLAGS="-s -w"

WORKDIR /workspace
# Modules are downloaded in a layer of their own, which changes of the source do not touch.
COPY go.mod go.sum ./
RUN go mod download

# .dockerignore says what is left out.
COPY . .
# Without TARGETARCH it is built for the machine that builds.
RUN CGO_ENABLED=0 GOOS=${TARGETOS:-linux} GOARCH=${TARGETARCH} \
	go build -buildvcs=false -trimpath -gcflags=all=-dwarf=false -ldflags "${LDFLAGS}" -o orrery .

# An image without a shell, with the certificates that servers are trusted by
FROM gcr.io/distroless/static:nonroot
WORKDIR /
COPY --from=builder /workspace/orrery .
USER 65532:65532

ENTRYPOINT ["/orrery"]
