package scaffold

import (
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	cfgv3 "sigs.k8s.io/kubebuilder/v4/pkg/config/v3"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/stage"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
	kustomizev2 "sigs.k8s.io/kubebuilder/v4/pkg/plugins/common/kustomize/v2"
	golangv4 "sigs.k8s.io/kubebuilder/v4/pkg/plugins/golang/v4"
)

const (
	// Key is that of [Plugin], under which a PROJECT file says what it has to remember.
	Key = "go.orrery.dev/v1"

	// Layout is how a project lies, in the words of kubebuilder, which goes on working in it.
	Layout = "go.kubebuilder.io/v4"

	// KubebuilderVersion is whose plugins write the tree. A PROJECT file says so, for `kubebuilder alpha update`.
	KubebuilderVersion = "4.16.0"
)

// Plugin is kubebuilder's plugins for Go and kustomize, and ours after them, as one. It can be given to a CLI of package
// sigs.k8s.io/kubebuilder/v4/pkg/cli.
type Plugin struct{}

var _ plugin.Full = Plugin{}

// Name is go.orrery.dev.
func (Plugin) Name() string { return "go.orrery.dev" }

// Version is v1.
func (Plugin) Version() plugin.Version { return plugin.Version{Number: 1, Stage: stage.Stable} }

// SupportedProjectVersions is version 3 of the PROJECT file.
func (Plugin) SupportedProjectVersions() []config.Version { return []config.Version{cfgv3.Version} }

// Description says what the plugin adds to kubebuilder's.
func (Plugin) Description() string {
	return "Loops of Orrery in rooms of their own (with go/v4 + kustomize/v2)"
}

// GetInitSubcommand makes a project.
func (Plugin) GetInitSubcommand() plugin.InitSubcommand {
	return &initSubcommand{parts: partsOf(kustomizev2.Plugin{}.GetInitSubcommand(), golangv4.Plugin{}.GetInitSubcommand())}
}

// GetCreateAPISubcommand adds a kind.
func (Plugin) GetCreateAPISubcommand() plugin.CreateAPISubcommand {
	return &apiSubcommand{parts: partsOf(kustomizev2.Plugin{}.GetCreateAPISubcommand(), golangv4.Plugin{}.GetCreateAPISubcommand())}
}

// GetCreateWebhookSubcommand adds webhooks for a kind.
func (Plugin) GetCreateWebhookSubcommand() plugin.CreateWebhookSubcommand {
	return &webhookSubcommand{parts: partsOf(kustomizev2.Plugin{}.GetCreateWebhookSubcommand(), golangv4.Plugin{}.GetCreateWebhookSubcommand())}
}

// GetEditSubcommand changes the settings of a project.
func (Plugin) GetEditSubcommand() plugin.EditSubcommand {
	return &editSubcommand{parts: partsOf(golangv4.Plugin{}.GetEditSubcommand())}
}
