package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/registration"
	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/orrery-dev/orrery/network/servers"
)

// balancerOf is a balancer of the API servers that a node's cluster had last, and the registration by which the node reaches them through it.
// Nothing is handed on before the balancer runs, which closes what it listens on.
func balancerOf(ctx context.Context, inst *instance.Instance, r registration.Registration) (*servers.Balancer, registration.Registration, error) {
	config, err := r.Node()
	if err != nil {
		return nil, r, err
	}
	ca := config.CAData
	if len(ca) == 0 {
		if ca, err = os.ReadFile(config.CAFile); err != nil {
			return nil, r, fmt.Errorf("reading the authority of the API servers: %w", err)
		}
	}
	known, err := readServers(inst)
	if err != nil {
		return nil, r, err
	}
	listener, err := listenAt(ctx, localhost, 0)
	if err != nil {
		return nil, r, fmt.Errorf("listening for what is to reach API servers: %w", err)
	}
	balancer, err := servers.New(servers.Options{
		Listener: listener, Servers: []string{strings.TrimPrefix(config.Host, "https://")}, CA: ca, Log: logger().WithName(serversComponent),
	})
	if err != nil {
		return nil, r, errors.Join(err, listener.Close())
	}
	balancer.Set(known)
	return balancer, r.Through(balancer.URL()), nil
}

// runServers hands on what the node has to say to API servers, and keeps to those that there are.
func (j *joined) runServers(ctx context.Context, ready func(string)) error {
	config, err := j.registration.Proxy()
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		err := servers.Follow(following, config, func(all []string) {
			j.balancer.Set(all)
			if err := writeServers(j.inst, all); err != nil {
				logger().Error(err, "The API servers are not remembered")
			}
		})
		if err != nil {
			logger().Error(err, "The API servers are not followed")
		}
	}()
	ready("")
	return j.balancer.Run(ctx)
}

// lookAtServers tells which API servers the node knows.
func (j *joined) lookAtServers(c *instance.Component) {
	c.Detail = strings.Join(j.balancer.Servers(), ", ")
}

// serversFile holds the API servers that the cluster had last: the one that the node has joined by may be gone at its next start.
func serversFile(inst *instance.Instance) string {
	return filepath.Join(registrationDir(inst), "servers.json")
}

func readServers(inst *instance.Instance) (known []string, err error) {
	text, err := os.ReadFile(serversFile(inst))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &known)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the API servers in %s: %w", serversFile(inst), err)
	}
	return known, nil
}

func writeServers(inst *instance.Instance, known []string) error {
	text, err := json.Marshal(known)
	if err != nil {
		return fmt.Errorf("encoding the API servers: %w", err)
	}
	return durable.WriteFile(serversFile(inst), text, 0o600)
}
