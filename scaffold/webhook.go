package scaffold

import (
	"errors"
	"fmt"
	"path"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
)

// webhookSubcommand adds webhooks for a kind.
type webhookSubcommand struct {
	parts
	config   config.Config
	resource *resource.Resource
}

var (
	_ plugin.CreateWebhookSubcommand = &webhookSubcommand{}
	_ plugin.HasFlags                = &webhookSubcommand{}
	_ plugin.RequiresConfig          = &webhookSubcommand{}
	_ plugin.HasPostScaffold         = &webhookSubcommand{}
	_ plugin.UpdatesMetadata         = &webhookSubcommand{}
)

func (s *webhookSubcommand) UpdateMetadata(cli plugin.CLIMetadata, about *plugin.SubcommandMetadata) {
	s.tell(cli)
	about.Description = `Add webhooks for a kind: their code in internal/webhook with a suite, their configuration in config/webhook,
certificates by cert-manager in config/certmanager, and both in cmd/main.go.`
	about.Examples = fmt.Sprintf(`  %[1]s create webhook --group web --version v1 --kind Website --defaulting --programmatic-validation
  %[1]s create webhook --group web --version v1 --kind Website --conversion --spoke v2`, cli.CommandName)
}

func (s *webhookSubcommand) BindFlags(flags *pflag.FlagSet) {
	s.parts.BindFlags(flags)
	flags.Lookup("make").Usage = "run go mod tidy and make manifests generate at the end"
}

func (s *webhookSubcommand) InjectConfig(c config.Config) error {
	s.config = c
	return errors.Join(checkLayout(c), s.parts.InjectConfig(c))
}

func (s *webhookSubcommand) InjectResource(res *resource.Resource) error {
	s.resource = res
	if err := checkKind(res.GVK); err != nil {
		return err
	}
	if !s.on("defaulting") && !s.on("programmatic-validation") && !s.on("conversion") {
		return errors.New("no kind of webhook is asked for: say --defaulting, --programmatic-validation, --conversion or several of them")
	}
	return s.parts.InjectResource(res)
}

func (s *webhookSubcommand) Scaffold(fs machinery.Filesystem) error {
	if err := s.parts.Scaffold(fs); err != nil {
		return err
	}
	if err := requireOrrery(fs.FS, source()); err != nil {
		return err
	}
	group := ""
	if s.config.IsMultiGroup() {
		group = s.resource.Group
	}
	return amendSuite(fs.FS, path.Join("internal", "webhook", group, s.resource.Version, "webhook_suite_test.go"))
}

func (s *webhookSubcommand) PostScaffold() error {
	if s.resource.IsExternal() && s.resource.Module != "" {
		if err := run("go", "get", s.resource.Module); err != nil {
			return err
		}
	}
	if !s.on("make") {
		return nil
	}
	return generate()
}
