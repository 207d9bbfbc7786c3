package cli

import (
	"errors"
	"fmt"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

func newSecrets(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:     "secrets",
		Short:   "Look after the key that Secrets are encrypted with in etcd",
		Example: `  orrery secrets rotate-key`,
	}
	c.AddCommand(newRotateKey(t))
	return c
}

// errSeveralKeys is why the key of a control plane of several members is not rotated: the others would not know the new one.
var errSeveralKeys = errors.New("this control plane has several members, each with the key in a file of its own, and this command changes one of them only: see " +
	"https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data for the order in which to do it by hand")

func newRotateKey(t *target) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate-key",
		Short: "Encrypt all Secrets with a new key, and drop the old one",
		Long: `Make a new key, rewrite every Secret with it, and drop the old key, while the control
plane runs. What was interrupted is finished by the next try. The key is in
apiserver/encryption.yaml of the instance: keep a copy of that file, apart from copies
of etcd.

With --encryption-config, or several API servers on one etcd, the keys are yours to
rotate: see https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data`,
		Example: `  orrery secrets rotate-key`,
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if !inst.Running() {
				return notRunning(inst)
			}
			settings, err := inst.Settings()
			if err != nil {
				return err
			}
			if settings.Member != nil && settings.Member.Several {
				return errSeveralKeys
			}
			config, err := clientcmd.BuildConfigFromFlags("", inst.Kubeconfig())
			if err != nil {
				return fmt.Errorf("reading the access to instance %s: %w", inst.Name, err)
			}
			config.QPS = -1 // the server's priority and fairness decides
			key, secrets, err := apiserver.RotateKey(c.Context(), config, apiserver.EncryptionFile(serverDir(inst)))
			if err != nil {
				return err
			}
			c.Printf("%d Secrets are encrypted with key %s, and the old key is gone\n", secrets, key)
			return nil
		},
	}
}
