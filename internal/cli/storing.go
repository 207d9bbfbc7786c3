package cli

import (
	"fmt"
	"os"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/spf13/pflag"
)

// storingOptions say how Secrets are stored, and what is written down about requests.
type storingOptions struct {
	encryptionConfig string
	audit            bool
	auditPolicy      string
}

func (o *storingOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.encryptionConfig, "encryption-config", "", "`file` with an EncryptionConfiguration by which to store; by default Secrets are encrypted with a key in the data directory")
	flags.BoolVar(&o.audit, "audit", false, "write down who asks the API server for what, in log/audit.log of the instance; no bodies")
	flags.StringVar(&o.auditPolicy, "audit-policy", "", "`file` with an audit.k8s.io Policy that says what of which requests to write down; implies --audit")
}

// check says which files cannot be read, before anything has been started.
func (o *storingOptions) check() error {
	for flag, path := range map[string]string{"--encryption-config": o.encryptionConfig, "--audit-policy": o.auditPolicy} {
		if path == "" {
			continue
		}
		if file, err := os.Open(path); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		} else if err := file.Close(); err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
	}
	return nil
}

// apply says it to the API server of an instance.
func (o *storingOptions) apply(options *apiserver.Options, inst *instance.Instance) {
	options.EncryptSecrets, options.EncryptionConfig = true, o.encryptionConfig
	if o.audit || o.auditPolicy != "" {
		options.Audit = &apiserver.Audit{LogFile: inst.Path("log", "audit.log"), PolicyFile: o.auditPolicy}
	}
}
