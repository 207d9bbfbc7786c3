package scaffold

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
)

// editSubcommand changes the settings of a project.
type editSubcommand struct {
	parts
	plain bool
}

var (
	_ plugin.EditSubcommand  = &editSubcommand{}
	_ plugin.HasFlags        = &editSubcommand{}
	_ plugin.RequiresConfig  = &editSubcommand{}
	_ plugin.UpdatesMetadata = &editSubcommand{}
)

func (s *editSubcommand) UpdateMetadata(cli plugin.CLIMetadata, about *plugin.SubcommandMetadata) {
	s.tell(cli)
	about.Description = `Change the settings of the project, for what is created from now on. Files that are there move by hand.

With --namespaced the manager watches the namespaces in WATCH_NAMESPACE, and has a Role in place of a ClusterRole;
--force writes config/manager/manager.yaml anew for that.`
	about.Examples = fmt.Sprintf(`  %[1]s edit --multigroup                    # api/GROUP/VERSION in place of api/VERSION
  %[1]s edit --namespaced --force
  %[1]s edit --plain                         # controllers are kubebuilder's own from now on
  %[1]s edit --license apache2 --owner "Example Ltd"`, cli.CommandName)
}

func (s *editSubcommand) BindFlags(flags *pflag.FlagSet) {
	s.parts.BindFlags(flags)
	bindPlain(flags, &s.plain)
}

func (s *editSubcommand) InjectConfig(c config.Config) error {
	if err := errors.Join(checkLayout(c), s.parts.InjectConfig(c)); err != nil {
		return err
	}
	if !s.flags.Changed("plain") {
		return nil
	}
	known, err := settingsOf(c)
	if err != nil {
		return err
	}
	known.Plain = s.plain
	return known.keep(c)
}
