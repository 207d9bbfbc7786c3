package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/orrery-dev/orrery/network/bridge"
	"github.com/orrery-dev/orrery/nodeagent/containerd"
)

// podCIDR is the range of the pods' addresses.
var podCIDR = netip.MustParsePrefix("10.98.0.0/24")

// host is a container runtime and a pod network, as Orrery brings them, for a kubelet.
type host struct {
	runtime *containerd.Runtime
	dir     string
	images  string // the directory with their archives
}

// newHost starts a container runtime and a pod network, which are removed with the control plane.
func (p *plane) newHost(ctx context.Context, programs string) (*host, error) {
	network, err := bridge.New(bridge.Options{Name: "bench-upstream", PodCIDRs: []netip.Prefix{podCIDR}, Dir: filepath.Join(p.dir, "network")})
	if err != nil {
		return nil, err
	}
	p.later(func() error { return network.Down(context.WithoutCancel(ctx)) })
	if err := network.Up(ctx); err != nil {
		return nil, err
	}
	h := &host{dir: p.dir, images: filepath.Join(programs, "..", "images")}
	kubelet := filepath.Join(p.dir, "kubelet")
	h.runtime, err = containerd.New(containerd.Options{
		Dir: filepath.Join(p.dir, "containerd"), Programs: programs, CNIConfDir: network.ConfDir(), SharedDirs: []string{kubelet},
	})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- h.runtime.Run(running) }()
	p.later(func() error {
		patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		stopped := h.runtime.StopPods(patient, 0)
		stop()
		return errors.Join(stopped, <-ended, h.runtime.Reset(patient))
	})
	return h, nil
}

// awaitRuntime waits until the runtime answers, and gives it the images.
func (h *host) awaitRuntime(ctx context.Context) error {
	if err := h.runtime.WaitReady(ctx); err != nil {
		return err
	}
	archives, err := filepath.Glob(filepath.Join(h.images, "*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if _, err := h.runtime.Images().Load(ctx, archive); err != nil {
			return err
		}
	}
	return os.WriteFile(h.kubeletConfig(), fmt.Appendf(nil, kubeletConfig, h.runtime.Endpoint(), h.dir), 0o600)
}

func (h *host) kubeletConfig() string { return filepath.Join(h.dir, "kubelet.yaml") }

func (h *host) kubeletArgs(kubeconfig string) []string {
	return []string{
		"--kubeconfig", kubeconfig, "--config", h.kubeletConfig(), "--hostname-override", nodeName,
		"--root-dir", filepath.Join(h.dir, "kubelet"), "--cert-dir", filepath.Join(h.dir, "kubelet-certs"),
	}
}

// kubeletConfig leaves cgroups alone, so that the kubelet of the machine, if there is one, is not disturbed, and runs on
// machines with cgroup v1 too, as far as it can; and it evicts nobody because the machine's disk is nearly full.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: %s
podLogsDir: %s/pod-logs
address: 127.0.0.1
port: 10350
healthzPort: 0
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
evictionHard: {memory.available: 1Mi, nodefs.available: 0%%, imagefs.available: 0%%, nodefs.inodesFree: 0%%}
imageGCHighThresholdPercent: 100
`
