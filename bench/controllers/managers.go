package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/klog/v2"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/bench/internal/access"
	"github.com/orrery-dev/orrery/internal/wiring"
)

// The limits on requests that kube-controller-manager has by default, for each of its controllers.
const (
	upstreamQPS   = 20
	upstreamBurst = 30
)

// manageOurs is the role of Orrery's controllers, put together as `orrery up` does. Each loop is told from the others by its user agent.
func manageOurs(ctx context.Context, o managerOrder, ready func(managerReply) error) error {
	klog.LogToStderr(false) // errors go there still
	klog.SetOutput(io.Discard)
	ctrl.SetLogger(logr.Discard())
	config := o.Server.Config()
	own, err := wiring.IsOwn(config)
	if err != nil {
		return err
	}
	as := func(loop string) (*rest.Config, error) {
		config := rest.AddUserAgent(rest.CopyConfig(config), loop)
		if o.Limits {
			config.RateLimiter = flowcontrol.NewTokenBucketRateLimiter(upstreamQPS, upstreamBurst)
		}
		return config, nil
	}
	cluster := wiring.Cluster{Config: config, ConfigOf: as, Naming: apis.Kubernetes, Own: own, Log: logr.Discard()}
	loops, err := wiring.NewControllers(cluster, wiring.ControllersOptions{Loops: wiring.Loops{Cluster: true}})
	if err != nil {
		return err
	}
	if err := ready(managerReply{}); err != nil {
		return err
	}
	return wiring.Run(ctx, loops, func() {})
}

// manageUpstream is the role of kube-controller-manager: the program itself, without leader election and without a server of its own.
func manageUpstream(ctx context.Context, o managerOrder, ready func(managerReply) error) error {
	kubeconfig := filepath.Join(o.Dir, "kubeconfig")
	if err := writeKubeconfig(kubeconfig, o.Server); err != nil {
		return err
	}
	authority := filepath.Join(o.Dir, "ca.crt")
	if err := os.WriteFile(authority, o.Server.CA, 0o600); err != nil {
		return fmt.Errorf("writing the authority's certificate: %w", err)
	}
	qps, burst := -1, -1
	if o.Limits {
		qps, burst = upstreamQPS, upstreamBurst
	}
	command := controllermanager.NewControllerManagerCommand()
	command.SetArgs([]string{
		"--kubeconfig=" + kubeconfig, "--root-ca-file=" + authority, "--leader-elect=false", "--secure-port=0",
		fmt.Sprintf("--kube-api-qps=%d", qps), fmt.Sprintf("--kube-api-burst=%d", burst),
	})
	if err := ready(managerReply{}); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- command.ExecuteContext(ctx) }()
	select {
	case <-ctx.Done(): // it has no other way to end than with the process
		return nil
	case err := <-ended:
		return fmt.Errorf("running kube-controller-manager: %w", err)
	}
}

func writeKubeconfig(path string, server access.Access) error {
	const name = "bench"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server.Host, CertificateAuthorityData: server.CA}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: server.Token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		return fmt.Errorf("writing a kubeconfig: %w", err)
	}
	return nil
}
