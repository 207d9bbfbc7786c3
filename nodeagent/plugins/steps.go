package plugins

import (
	"context"
	"errors"
	"fmt"
	"time"

	registrationv1 "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

// How long a plugin has to answer; the kubelet's figures, but for the connection, which is part of the first answer here.
const (
	infoTimeout   = 10 * time.Second
	notifyTimeout = 5 * time.Second
)

// register asks a plugin what it is, hands it to its handler, and tells it what has become of that.
type register struct {
	by  socket
	why string
}

func (*register) Verb() string   { return "register" }
func (*register) String() string { return "register the plugin" }
func (s *register) Why() string  { return s.why }

func (s *register) Do(ctx context.Context, a *actor) error {
	connection, err := Dial(a.path)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }() // nothing is under way on it
	client := registrationv1.NewRegistrationClient(connection)
	plugin, err := ask(ctx, client, a.path)
	if err != nil {
		return fmt.Errorf("asking the plugin at %s what it is: %w", a.name(a.path), err)
	}
	handler := a.Handlers[plugin.Type]
	if handler == nil {
		return refuse(ctx, client, fmt.Errorf("RegisterPlugin error -- no handler registered for plugin type: %s at socket %s", plugin.Type, a.path))
	}
	if err := handler.Register(ctx, plugin); err != nil {
		return refuse(ctx, client, fmt.Errorf("RegisterPlugin error -- plugin registration failed with err: %w", err))
	}
	if err := tell(ctx, client, &registrationv1.RegistrationStatus{PluginRegistered: true}); err != nil {
		return errors.Join(fmt.Errorf("telling %s that it is registered: %w", plugin, err), handler.Deregister(ctx, plugin))
	}
	a.keep(a.path, registration{plugin, s.by})
	return nil
}

// ask is what the plugin says of itself. One that names no other socket works at this one.
func ask(ctx context.Context, client registrationv1.RegistrationClient, path string) (Plugin, error) {
	ctx, cancel := context.WithTimeout(ctx, infoTimeout)
	defer cancel()
	info, err := client.GetInfo(ctx, &registrationv1.InfoRequest{})
	if err != nil {
		return Plugin{}, err
	}
	plugin := Plugin{Type: info.GetType(), Name: info.GetName(), Endpoint: info.GetEndpoint(), Versions: info.GetSupportedVersions()}
	if plugin.Endpoint == "" {
		plugin.Endpoint = path
	}
	return plugin, nil
}

// refuse tells a plugin why it is not registered, and returns that.
func refuse(ctx context.Context, client registrationv1.RegistrationClient, why error) error {
	return errors.Join(why, tell(ctx, client, &registrationv1.RegistrationStatus{Error: why.Error()}))
}

func tell(ctx context.Context, client registrationv1.RegistrationClient, status *registrationv1.RegistrationStatus) error {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	_, err := client.NotifyRegistrationStatus(ctx, status)
	return err
}

// deregister tells the handler of a plugin that it is gone.
type deregister struct {
	registration
	why string
}

func (*deregister) Verb() string     { return "deregister" }
func (s *deregister) String() string { return "deregister " + s.plugin.String() }
func (s *deregister) Why() string    { return s.why }

func (s *deregister) Do(ctx context.Context, a *actor) error {
	if err := a.Handlers[s.plugin.Type].Deregister(ctx, s.plugin); err != nil {
		return fmt.Errorf("deregistering %s: %w", s.plugin, err)
	}
	a.drop(a.path)
	return nil
}
