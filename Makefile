# The targets of kubebuilder's project layout, with the meanings they have there, and a few of
# our own. `make` alone explains them.

# Whether symbols for debuggers are written beside bin/orrery, into bin/orrery.debug. It needs binutils.
SYMBOLS ?=
# The image that is built, and that `make deploy` runs.
IMG ?= orrery:latest
# What `make image` builds for, and what `make docker-buildx` does.
IMAGE_ARCH ?= $(shell go env GOARCH)
PLATFORMS ?= linux/arm64,linux/amd64
CONTAINER_TOOL ?= docker
# Whether uninstall and undeploy pass over what is not there.
ignore-not-found ?= false
# How long the whole test suite may take.
TEST_TIMEOUT ?= 20m

# How many random scenarios of each kind, or of KIND alone, `make test-differential` compares with upstream's controllers.
SEEDS ?= 300
KIND ?=

# How long `make soak` goes on, and what it draws faults from: without SEED, by chance.
MINUTES ?= 60
SEED ?=

SHELL = /usr/bin/env bash -o pipefail
.SHELLFLAGS = -ec
.DEFAULT_GOAL := help

LOCALBIN ?= $(CURDIR)/bin
ORRERY ?= $(LOCALBIN)/orrery
# What `make run` runs besides the controllers: without a scheduler and nodes no pod would run. On a bare API server, which has
# no kube-controller-manager, add --cluster-loops.
RUN_FLAGS ?= --scheduler --simulated-nodes 2
KUBECTL ?= $(ORRERY) kubectl
CONTROLLER_GEN ?= go tool controller-gen
GOLANGCI_LINT ?= $(LOCALBIN)/golangci-lint
# Helm 4, built from its module.
HELM ?= go tool -modfile=hack/chart/go.mod helm.sh/helm/v4/cmd/helm
HELM_NAMESPACE ?= orrery-system
HELM_RELEASE ?= orrery
HELM_CHART_DIR ?= $(CURDIR)/charts/orrery
HELM_EXTRA_ARGS ?=

# The API server and kubectl inside the binary say which Kubernetes they are by these
# variables; without them it would be v0.0.0-master, which confuses clients. Each is
# evaluated once, and only for a target that uses it.
KUBERNETES_VERSION = $(eval KUBERNETES_VERSION := $(shell go list -m -f '{{.Version}}' k8s.io/kubernetes))$(KUBERNETES_VERSION)
KUBERNETES_MINOR = $(word 2,$(subst ., ,$(KUBERNETES_VERSION)))
VERSION = $(eval VERSION := $(shell git describe --tags --match 'v*' 2>/dev/null || echo v0.0.0-devel))$(VERSION)
COMMIT = $(eval COMMIT := $(shell git describe --always --dirty --exclude '*' --abbrev=40 2>/dev/null))$(COMMIT)
# The time of the commit, so that the same commit builds the same binary.
COMMIT_TIME = $(eval COMMIT_TIME := $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null))$(COMMIT_TIME)
versionpkg = k8s.io/component-base/version
ownversionpkg = github.com/orrery-dev/orrery/internal/version
VERSIONFLAGS = -X $(versionpkg).gitVersion=$(KUBERNETES_VERSION) \
	-X $(versionpkg).gitMajor=1 -X $(versionpkg).gitMinor=$(KUBERNETES_MINOR) \
	-X $(versionpkg).gitTreeState=clean -X $(versionpkg).buildDate=$(COMMIT_TIME) \
	-X $(ownversionpkg).number=$(VERSION) -X $(ownversionpkg).commit=$(COMMIT)
# What is not wanted in a binary: symbols for debuggers. A stack trace and a profile have theirs without.
LDFLAGS = $(VERSIONFLAGS) $(if $(SYMBOLS),,-s -w)

# Every program is static and needs no C compiler, but runc, and holds no paths of this machine. What debuggers read is not even
# compiled, unless somebody asks for it. One setting for all of them, tests and tools too: so they share what has been compiled.
# `go test -race` needs CGO_ENABLED=1.
export CGO_ENABLED ?= 0
export GOFLAGS := $(shell go env GOFLAGS) -trimpath $(if $(SYMBOLS),,-gcflags=all=-dwarf=false)

.PHONY: all
all: build

##@ General

.PHONY: help
help: ## Display this help.
	@awk 'BEGIN { FS = ":.*##"; printf "\nUsage:\n  make \033[36m<target>\033[0m\n" } \
		/^[a-zA-Z_0-9-]+:.*?##/ { printf "  \033[36m%-16s\033[0m %s\n", $$1, $$2 } \
		/^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) }' $(MAKEFILE_LIST)

##@ Control plane

.PHONY: up
up: ## Build everything and start a control plane on this machine; returns when it is ready. UP_FLAGS="--name two" and the like are passed on.
	$(MAKE) --no-print-directory -j2 orrery runtime
	$(ORRERY) up $(UP_FLAGS)

.PHONY: down
down: ## Stop the control plane that `make up` started.
	$(ORRERY) down $(DOWN_FLAGS)

.PHONY: runtime
runtime: ## Build the container runtime (containerd, runc, CNI plugins) and the images that are loaded at start.
	hack/runtime/build.sh
	go run ./hack/images -out $(LOCALBIN)/images

.PHONY: bench
bench: ## Run the benchmarks of the packages.
	go test -run '^$$' -bench . -benchmem $(shell go list -f '{{if .TestGoFiles}}{{.ImportPath}}{{end}}' ./...)

.PHONY: bench-up
bench-up: orrery runtime ## Compare a control plane with Kubernetes' own: size, seconds to ready and to the first pod, CPU and memory. BENCH_FLAGS="-help" tells more.
	go -C bench/upstream build -ldflags '$(LDFLAGS)' -o $(LOCALBIN)/upstream .
	go run ./bench/up -orrery $(ORRERY) -upstream $(LOCALBIN)/upstream -runtime-bin $(LOCALBIN)/runtime $(BENCH_FLAGS)

.PHONY: bench-scheduler
bench-scheduler: ## Compare the scheduler with kube-scheduler: throughput, latency, memory. BENCH_FLAGS="-scale 0.1" is quick, "-help" tells more.
	go -C bench/scheduler build -ldflags '$(LDFLAGS)' -o $(LOCALBIN)/bench-scheduler .
	$(LOCALBIN)/bench-scheduler $(BENCH_FLAGS)

.PHONY: bench-controllers
bench-controllers: ## Compare the controllers with kube-controller-manager's: time, API writes, CPU, memory. BENCH_FLAGS="-scale 0.1" is quick, "-help" tells more.
	go -C bench/controllers build -ldflags '$(LDFLAGS)' -o $(LOCALBIN)/bench-controllers .
	$(LOCALBIN)/bench-controllers $(BENCH_FLAGS)

.PHONY: bench-storage
bench-storage: orrery runtime ## Compare pods with a fresh volume with pods without: seconds from created to Ready, one and 100 at once. BENCH_FLAGS="-help" tells more.
	go run ./bench/storage -orrery $(ORRERY) $(BENCH_FLAGS)

##@ Development

.PHONY: manifests
manifests: ## Generate CustomResourceDefinition, ClusterRole and webhook configuration objects, and the chart's templates.
	$(CONTROLLER_GEN) crd:maxDescLen=0,generateEmbeddedObjectMeta=true paths=./apis/... output:crd:dir=config/crd/bases
	go run ./hack/crdfinish config/crd/bases config/crd/names
	$(CONTROLLER_GEN) crd paths=github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1 output:crd:dir=storage/snapshotkinds/definitions
	$(CONTROLLER_GEN) crd paths=./examples/jobhistory/... output:crd:dir=examples/jobhistory/config/crd/bases
	$(CONTROLLER_GEN) webhook paths=./webhooks/... output:webhook:dir=config/webhook
	go run ./hack/roles config docs
	go -C hack/chart run . $(CURDIR)

.PHONY: generate
generate: ## Generate deep copies of our kinds and their ties to upstream's.
	$(CONTROLLER_GEN) object paths=./apis/... paths=./examples/jobhistory/...
	go run ./hack/upstreamgen ./apis

.PHONY: helm
helm: ## Generate the templates of the chart in charts/orrery from config/chart, and lint it.
	go -C hack/chart run . $(CURDIR)
	$(HELM) lint $(HELM_CHART_DIR)

.PHONY: fmt
fmt: ## Run go fmt against code.
	go fmt ./...

.PHONY: tidy
tidy: ## Run go mod tidy in every module of the repository.
	@for mod in $$(git ls-files '*go.mod' | grep -v /testdata/); do echo "go -C $$(dirname $$mod) mod tidy"; go -C $$(dirname $$mod) mod tidy || exit 1; done

.PHONY: vet
vet: ## Run go vet against code.
	go vet ./...

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run the linters.
	$(GOLANGCI_LINT) run

.PHONY: lint-fix
lint-fix: $(GOLANGCI_LINT) ## Run the linters and let them repair what they can.
	$(GOLANGCI_LINT) run --fix

.PHONY: lint-config
lint-config: $(GOLANGCI_LINT) ## Verify the linters' configuration.
	$(GOLANGCI_LINT) config verify

.PHONY: test
test: build runtime ## Run every test. As root, that includes the ones with real containers. TEST_FLAGS are passed to go test.
	go test -vet=off -timeout $(TEST_TIMEOUT) -ldflags '$(LDFLAGS)' $(TEST_FLAGS) ./...
	go -C hack/conformance test -vet=off ./...
	go -C hack/chart test -vet=off ./...
	go -C test/csisanity test -vet=off ./...

.PHONY: durability
durability: orrery runtime ## Kill everything ten times while a pod commits records to its volume, and look that each is there. DURABILITY_FLAGS="-durability.kills=3" is quicker.
	go test -vet=off -count=1 -timeout 30m -v ./test/e2e -run TestCommittedRecordsSurviveKills -args -durability.kills=10 $(DURABILITY_FLAGS)

.PHONY: soak
soak: orrery ## Let faults happen to three members for MINUTES, and judge what clients saw; see docs/members.md. SEED=7 repeats the faults of a run.
	go test -vet=off -count=1 -timeout 0 -v ./test/e2e -run TestThreeMembersBearFaults -args -soak.minutes=$(MINUTES) $(if $(SEED),-soak.seed=$(SEED))

.PHONY: test-differential
test-differential: $(if $(KIND),,test-differential-scheduler) test-differential-controllers ## Compare scheduler and controllers with upstream's on many random cases. SEEDS=300 KIND=Job is one kind's controllers, on 300.

.PHONY: test-differential-scheduler
test-differential-scheduler: ## Compare the scheduler's plugins with kube-scheduler's on 100,000 random clusters each, and its decisions over 100,000 changes.
	go test -vet=off -timeout 2h ./scheduler/plugins -run TestPluginsAgreeWithUpstream -args -differential.cases=100000
	go test -vet=off -timeout 2h ./scheduler/cycle -run TestDecisionsByTablesAreThoseOfKubeScheduler -args -history.steps=100000

.PHONY: test-differential-controllers
test-differential-controllers: ## Compare the controllers with kube-controller-manager's: SEEDS random scenarios of each kind, or of KIND.
	go test -vet=off -timeout 6h ./test/differential -run 'TestControllersAgreeWithUpstream/^$(KIND)$(if $(KIND),$$)' -args -differential.all -differential.seeds=$(SEEDS) $(if $(filter Node,$(KIND)),-differential.nodes)
	$(if $(KIND),,$(MAKE) $@ KIND=Node)

# Command-line variables of make are in the environment of what it runs: so FOCUS may hold any character.
.PHONY: conformance
conformance: orrery runtime conformance-tool ## Run Kubernetes' own tests against real containers; see docs/conformance.md. SUITE=netpol runs others than the conformance tests; SIG=apps,auth, FOCUS and SKIP="regular expression" choose some, PROCS=4 says how many run at once.
	$(LOCALBIN)/conformance/conformance -suite "$${SUITE:-conformance}" -sig "$${SIG:-}" -focus "$${FOCUS:-}" -skip "$${SKIP:-}" -procs "$${PROCS:-6}" $(CONFORMANCE_FLAGS)

.PHONY: conformance-page
conformance-page: conformance-tool ## Write docs/conformance.md from hack/conformance/record and the reasons in hack/conformance/reasons.txt.
	$(LOCALBIN)/conformance/conformance -page

.PHONY: conformance-tool
conformance-tool:
	go -C hack/conformance build -o $(LOCALBIN)/conformance/conformance .

##@ Build

.PHONY: build
build: manifests generate fmt vet orrery ## Generate, check, and build bin/orrery.

.PHONY: orrery
orrery: ## Build bin/orrery and check nothing. SYMBOLS=1 writes symbols for debuggers beside it.
	@rm -f $(ORRERY).debug
	go build -ldflags '$(LDFLAGS)' -o $(ORRERY) .
ifdef SYMBOLS
	objcopy --only-keep-debug $(ORRERY) $(ORRERY).debug
	objcopy --strip-all --add-gnu-debuglink=$(ORRERY).debug $(ORRERY)
endif

.PHONY: run
run: build ## Run controllers, scheduler and simulated nodes from this host, on the custom resources of the cluster of KUBECONFIG. RUN_FLAGS says what else, or less.
	$(ORRERY) manager $(RUN_FLAGS)

.PHONY: image
image: ## Build the image IMG for IMAGE_ARCH without a container engine, into dist/image.tar, which docker, ctr and orrery load.
	GOOS=linux GOARCH=$(IMAGE_ARCH) go build -ldflags '$(LDFLAGS)' -o $(LOCALBIN)/image/linux-$(IMAGE_ARCH)/orrery .
	go run ./hack/image -name '$(IMG)' -program $(LOCALBIN)/image/linux-$(IMAGE_ARCH)/orrery -architecture $(IMAGE_ARCH) -out dist/image.tar

.PHONY: docker-build
docker-build: ## Build the image IMG from the Dockerfile, with CONTAINER_TOOL.
	$(CONTAINER_TOOL) build --build-arg LDFLAGS='$(LDFLAGS)' -t $(IMG) .

.PHONY: docker-push
docker-push: ## Push the image IMG.
	$(CONTAINER_TOOL) push $(IMG)

.PHONY: docker-buildx
docker-buildx: ## Build the image IMG for PLATFORMS from the Dockerfile, and push it.
	$(CONTAINER_TOOL) buildx build --push --platform=$(PLATFORMS) --build-arg LDFLAGS='$(LDFLAGS)' -t $(IMG) .

.PHONY: build-installer
build-installer: build ## Write dist/install.yaml: the definitions and the deployment in one file.
	mkdir -p dist
	$(KUBECTL) kustomize config/default | sed 's|image: orrery:latest|image: $(IMG)|' > dist/install.yaml

##@ Deployment

.PHONY: install
install: orrery ## Install the custom resource definitions into the cluster of KUBECONFIG.
	$(KUBECTL) apply --server-side --force-conflicts -k config/crd

.PHONY: uninstall
uninstall: orrery ## Delete the definitions and all their objects. ignore-not-found=true ignores those that are not there.
	$(KUBECTL) delete --ignore-not-found=$(ignore-not-found) -k config/crd

.PHONY: deploy
deploy: build-installer ## Deploy the controllers into the cluster of KUBECONFIG, from the image IMG.
	$(KUBECTL) apply --server-side --force-conflicts -f dist/install.yaml

.PHONY: undeploy
undeploy: build ## Delete what deploy made. ignore-not-found=true ignores what is not there.
	$(KUBECTL) delete --ignore-not-found=$(ignore-not-found) -k config/default

##@ Helm Deployment

.PHONY: helm-deploy
helm-deploy: ## Install the chart, or upgrade it, in the cluster of KUBECONFIG, with the image IMG.
	$(HELM) upgrade --install $(HELM_RELEASE) $(HELM_CHART_DIR) --namespace $(HELM_NAMESPACE) --create-namespace \
		--set manager.image.repository='$(image-repository)' --set-string manager.image.tag='$(image-tag)' \
		--wait --timeout 5m $(HELM_EXTRA_ARGS)

.PHONY: helm-uninstall
helm-uninstall: ## Uninstall the release. The definitions stay, and with them all objects.
	$(HELM) uninstall $(HELM_RELEASE) --namespace $(HELM_NAMESPACE)

.PHONY: helm-status
helm-status: ## Show the status of the release.
	$(HELM) status $(HELM_RELEASE) --namespace $(HELM_NAMESPACE)

.PHONY: helm-history
helm-history: ## Show the revisions of the release.
	$(HELM) history $(HELM_RELEASE) --namespace $(HELM_NAMESPACE)

.PHONY: helm-rollback
helm-rollback: ## Go back to the revision before.
	$(HELM) rollback $(HELM_RELEASE) --namespace $(HELM_NAMESPACE)

# The parts of IMG: a colon after the last slash is before the tag.
image-tag = $(or $(word 2,$(subst :, ,$(notdir $(IMG)))),latest)
image-repository = $(patsubst %:$(image-tag),%,$(IMG))

##@ Dependencies

# A module of its own: what linters require is not for those who import us.
$(GOLANGCI_LINT): hack/tools/go.mod
	cd hack/tools && go build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
