package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/nodeagent"
)

const (
	// adminToken is by whom everything of Kubernetes' own reaches its API server.
	adminToken = "bench"
	// nodeName is what the node is called.
	nodeName = "bench"
)

// startUpstream starts Kubernetes' own programs: etcd and the API server at once, the others when it is ready. They have their
// default configuration but for where things lie, and what a machine without a cloud and with one node needs.
func startUpstream(ctx context.Context, p *plane, runtime string, s settings) error {
	u := &upstream{plane: p, program: s.upstream}
	config, err := u.startServer(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	started := make(chan struct{})
	p.later(func() error {
		cancel()
		<-started
		return nil
	})
	var host *host
	if runtime == containerdRuntime {
		if host, err = p.newHost(ctx, s.runtimeBin); err != nil {
			close(started)
			return err
		}
	}
	go func() {
		defer close(started)
		if err := u.startOthers(ctx, config, host); err != nil {
			p.fail(err)
		}
	}()
	return nil
}

// upstream is a control plane of Kubernetes' own programs.
type upstream struct {
	*plane
	program string
}

func (u *upstream) run(name string, args ...string) error {
	return u.begin(name, u.program, append([]string{name}, args...)...)
}

func (u *upstream) path(name string) string { return filepath.Join(u.dir, name) }

// startServer starts etcd and the API server, and returns how to reach it.
func (u *upstream) startServer(ctx context.Context) (*rest.Config, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	config := &rest.Config{
		Host: "https://127.0.0.1:" + port, BearerToken: adminToken, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // it signs for itself
	}
	if err := u.writeFiles(config); err != nil {
		return nil, err
	}
	etcd := "unix://" + u.path("etcd.sock")
	if err := u.run("etcd", "--data-dir", u.path("etcd"), "--log-level=error", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
		"--listen-peer-urls", "unix://"+u.path("peer.sock")); err != nil {
		return nil, err
	}
	return config, u.run("kube-apiserver", "--etcd-servers", etcd, "--bind-address=127.0.0.1", "--secure-port", port,
		"--cert-dir", u.path("certs"), "--token-auth-file", u.path("tokens.csv"), "--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", u.path("sa.key"),
		"--service-account-signing-key-file", u.path("sa.key"), "--service-cluster-ip-range=10.97.0.0/16",
		"--endpoint-reconciler-type=none", "--allow-privileged")
}

// writeFiles writes what the programs read.
func (u *upstream) writeFiles(config *rest.Config) error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	for name, data := range map[string][]byte{
		"sa.key":     pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"tokens.csv": []byte(adminToken + `,admin,admin,"system:masters"` + "\n"),
	} {
		if err := os.WriteFile(u.path(name), data, 0o600); err != nil {
			return err
		}
	}
	u.kubeconfig = u.path("kubeconfig")
	c := clientcmdapi.NewConfig()
	c.Clusters["bench"] = &clientcmdapi.Cluster{Server: config.Host, InsecureSkipTLSVerify: true}
	c.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: config.BearerToken}
	c.Contexts["bench"] = &clientcmdapi.Context{Cluster: "bench", AuthInfo: "admin"}
	c.CurrentContext = "bench"
	return clientcmd.WriteToFile(*c, u.kubeconfig)
}

// startOthers waits for the API server and starts the rest.
func (u *upstream) startOthers(ctx context.Context, config *rest.Config, host *host) error {
	seen := &plane{dir: u.dir, kubeconfig: u.kubeconfig} // with a client of its own
	if _, err := seen.until(ctx, time.Now(), "/readyz", seen.isReady); err != nil {
		return err
	}
	if err := u.run("kube-controller-manager", "--kubeconfig", u.kubeconfig, "--leader-elect=false", "--secure-port=0",
		"--service-account-private-key-file", u.path("sa.key"), "--root-ca-file", u.path("certs/apiserver.crt")); err != nil {
		return err
	}
	if err := u.run("kube-scheduler", "--kubeconfig", u.kubeconfig, "--leader-elect=false", "--secure-port=0"); err != nil {
		return err
	}
	if host == nil {
		return u.lendNode(ctx, config)
	}
	if err := host.awaitRuntime(ctx); err != nil {
		return err
	}
	u.count(host.runtime.Status().PID)
	u.later(func() error {
		if out, err := exec.Command(u.program, "kube-proxy", "--cleanup").CombinedOutput(); err != nil {
			return fmt.Errorf("removing the tables of kube-proxy: %w: %s", err, out)
		}
		return nil
	})
	if err := u.run("kubelet", host.kubeletArgs(u.kubeconfig)...); err != nil {
		return err
	}
	return u.run("kube-proxy", "--kubeconfig", u.kubeconfig, "--hostname-override", nodeName, "--proxy-mode=nftables",
		"--cluster-cidr", podCIDR.String(), "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s",
		"--conntrack-tcp-timeout-close-wait=0s")
}

// lendNode runs a simulated node in this process until ctx ends.
func (*upstream) lendNode(ctx context.Context, config *rest.Config) error {
	fleet, err := nodeagent.NewFleet(nodeagent.FleetOptions{Config: config, Naming: apis.Kubernetes, Nodes: 1, NamePrefix: "simulated-"})
	if err != nil {
		return err
	}
	return fleet.Run(ctx)
}

// freePort is a port that is free by now: upstream's programs cannot be handed a listener.
func freePort(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer func() { _ = listener.Close() }() // nobody connected
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port), nil
}
