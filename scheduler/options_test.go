package scheduler_test

import (
	"context"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/scheduler"
)

// curious waits for events of a kind.
type curious struct {
	cursed
	kind fwk.EventResource
}

func (c curious) EventsToRegister(context.Context) ([]fwk.ClusterEventWithHint, error) {
	return []fwk.ClusterEventWithHint{{Event: fwk.ClusterEvent{Resource: c.kind, ActionType: fwk.Add}}}, nil
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	enabled := &configv1.KubeSchedulerConfiguration{Profiles: []configv1.KubeSchedulerProfile{{Plugins: &configv1.Plugins{
		MultiPoint: configv1.PluginSet{Enabled: []configv1.Plugin{{Name: "Cursed"}}},
	}}}}
	waitsFor := func(kind fwk.EventResource) scheduler.Option {
		return scheduler.WithPlugin("Cursed", func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
			return curious{kind: kind}, nil
		})
	}
	reachable := scheduler.Options{Config: &rest.Config{Host: "127.0.0.1:1"}, Scheme: scheme, Configuration: enabled}
	for _, test := range []struct {
		name    string
		options scheduler.Options
		more    []scheduler.Option
		want    string // "" means that it works
	}{
		{"no cluster", scheduler.Options{}, nil, "Options need either Config and Scheme, or Cluster"},
		{"a plugin that is not there", reachable, nil, `profiles[0].plugins.multiPoint.enabled[0].name: Unsupported value: "Cursed"`},
		{"a plugin with a name that is taken", reachable, []scheduler.Option{scheduler.WithPlugin("NodeName", newCursed)},
			`registering plugin "NodeName": a plugin of that name exists already`},
		{"a plugin that waits for what is not watched", reachable, []scheduler.Option{waitsFor("foos.v1.example.com")},
			`plugin "Cursed" asks for events of foos.v1.example.com: not supported by this scheduler`},
		{"a plugin that waits for volumes", reachable, []scheduler.Option{waitsFor(fwk.PersistentVolume)}, ""},
		{"a plugin that waits for claims of devices", reachable, []scheduler.Option{waitsFor(fwk.ResourceClaim)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := scheduler.New(test.options, test.more...)
			if err == nil {
				defer func() {
					if err := s.Close(); err != nil {
						t.Errorf("closing: %v", err)
					}
				}()
			}
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got the error %v, want one with %q", err, test.want)
			}
		})
	}
}
