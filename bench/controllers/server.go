package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/bench/internal/access"
)

// managerUser is whom both managers are: for that user the server has a share of its attention, as for kube-controller-manager.
const managerUser = "system:kube-controller-manager"

// The users. Tokens, since with a certificate a tenth of the server's work would be to verify it with each request.
const users = `driver-token,driver,driver,"system:masters"
manager-token,` + managerUser + `,manager
`

// auditPolicy writes down what the manager asks for, once it has been answered, and nothing else. A watch is answered when it ends.
const auditPolicy = `
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  nonResourceURLs: ["*"]
- level: None
  verbs: [watch]
- level: Metadata
  users: ["` + managerUser + `"]
- level: None
`

// serve is the role of the API server.
func serve(ctx context.Context, o serverOrder, ready func(serverReply) error) error {
	klog.LogToStderr(false) // errors go there still
	klog.SetOutput(io.Discard)
	files := map[string]string{"users.csv": users, "audit-policy.yaml": auditPolicy}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(o.Dir, name), []byte(text), 0o600); err != nil {
			return fmt.Errorf("writing the server's files: %w", err)
		}
	}
	audit := filepath.Join(o.Dir, "audit.log")
	server, err := apiserver.Start(context.WithoutCancel(ctx), apiserver.Options{
		Ephemeral: true,
		Audit:     &apiserver.Audit{LogFile: audit, PolicyFile: filepath.Join(o.Dir, "audit-policy.yaml")},
		Flags: []string{
			"--disable-admission-plugins=ServiceAccount", // pods of a namespace that is a moment old are not refused
			"--token-auth-file=" + filepath.Join(o.Dir, "users.csv"),
			"--audit-log-maxsize=100000", // one file, so that it can be read on
		},
	})
	if err != nil {
		return fmt.Errorf("starting the API server: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := server.WaitReady(timed); err != nil {
		return err
	}
	to := access.Access{Host: server.URL(), CA: server.CA()}
	driver, manager := to, to
	driver.Token, manager.Token = "driver-token", "manager-token"
	if err := ready(serverReply{Driver: driver, Manager: manager, Audit: audit}); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}
