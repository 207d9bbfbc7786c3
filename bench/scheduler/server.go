package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/bench/internal/access"
)

// The users, with the groups that give them their rights. Both schedulers are kube-scheduler's, for which the server has
// rights and a share of its attention. Tokens, as in scheduler_perf: with a certificate, a tenth of the server's work would
// be to verify it with each request.
const users = `admin-token,admin,admin,"system:masters"
scheduler-token,system:kube-scheduler,scheduler
`

// serve is the role of the API server. Its flags are those of scheduler_perf.
func serve(ctx context.Context, o serverOrder, ready func(serverReply) error) error {
	file := filepath.Join(o.Dir, "users.csv")
	if err := os.WriteFile(file, []byte(users), 0o600); err != nil {
		return fmt.Errorf("writing the users: %w", err)
	}
	options := apiserver.Options{
		Ephemeral:    true,
		FeatureGates: o.Gates,
		Flags: []string{
			"--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority",
			"--token-auth-file=" + file,
		},
	}
	if o.Gates[genericWorkload] {
		options.Flags = append(options.Flags, "--runtime-config=scheduling.k8s.io/v1beta1=true")
	}
	server, err := apiserver.Start(context.WithoutCancel(ctx), options)
	if err != nil {
		return fmt.Errorf("starting the API server: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := server.WaitReady(timed); err != nil {
		return err
	}
	to := access.Access{Host: server.URL(), CA: server.CA()}
	admin, worker := to, to
	admin.Token, worker.Token = "admin-token", "scheduler-token"
	if err := ready(serverReply{Admin: admin, Worker: worker}); err != nil {
		return err
	}
	<-ctx.Done()
	return server.Stop()
}
