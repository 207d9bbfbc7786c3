package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/durable"
	"github.com/spf13/cobra"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/tools/clientcmd"
)

// kubeconfigOptions say whose access is written, and for where.
type kubeconfigOptions struct {
	server  string
	user    string
	groups  []string
	expires time.Duration
	output  string
}

func newKubeconfig(t *target) *cobra.Command {
	o := kubeconfigOptions{}
	c := &cobra.Command{
		Use:   "kubeconfig",
		Short: "Print a kubeconfig: the administrator's, or one for somebody else",
		Long: `Print the administrator's kubeconfig, or with --as-user sign one for somebody else, whether or
not the control plane runs. With --server it is for another machine: start the control
plane with --bind-address and, for other names, --tls-san.

Whom --as-user names may do nothing until a role is bound to the name, or to a --group.
A certificate cannot be taken back before it ends: bind roles to names, keep --expires
short, and give system:masters, whom no role restricts, to nobody.`,
		Example: `  orrery kubeconfig > ~/.kube/config
  orrery kubeconfig --server https://cp.example.com:6443 -o cp.kubeconfig
  orrery kubeconfig --as-user jane --group dev --expires 8h -o jane.kubeconfig
  orrery kubectl create clusterrolebinding dev --clusterrole view --group dev`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(c.Flags().Changed("expires")); err != nil {
				return err
			}
			inst, err := t.instance()
			if err != nil {
				return err
			}
			return o.run(c, inst)
		},
	}
	flags := c.Flags()
	flags.StringVar(&o.server, "server", "", "`URL` of the API server, as in https://cp.example.com:6443; by default where it is on this machine")
	flags.StringVar(&o.user, "as-user", "", "`name` to sign a certificate for")
	flags.StringArrayVar(&o.groups, "group", nil, "`group` that the name is in; may be given several times")
	flags.DurationVar(&o.expires, "expires", 24*time.Hour, "how long the certificate is good for")
	flags.StringVarP(&o.output, "output", "o", "", "`file` to write it to, readable by you alone, instead of printing it")
	markPaths(flags, "output")
	return c
}

func (o *kubeconfigOptions) check(expiresChosen bool) error {
	switch {
	case o.user == "" && (len(o.groups) > 0 || expiresChosen):
		return errors.New("--group and --expires go with --as-user: the administrator's kubeconfig is as it is")
	case o.expires <= 0:
		return fmt.Errorf("--expires %s: want a time that is not over, as in 8h", o.expires)
	case o.server == "":
		return nil
	}
	if u, err := url.Parse(o.server); err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return fmt.Errorf("--server %q: want a URL such as https://cp.example.com:6443", o.server)
	}
	return nil
}

func (o *kubeconfigOptions) run(c *cobra.Command, inst *instance.Instance) error {
	content, until, err := o.make(inst)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("instance %s in %s has never been started: start it with 'orrery up'", inst.Name, inst.Dir)
	}
	if err != nil {
		return err
	}
	o.warn(c.ErrOrStderr(), inst, until)
	if o.output == "" {
		_, err := c.OutOrStdout().Write(content)
		return err
	}
	return durable.WriteFile(o.output, content, 0o600)
}

// make makes the kubeconfig. Its certificate is good until a time, which is zero for the administrator's.
func (o *kubeconfigOptions) make(inst *instance.Instance) (content []byte, until time.Time, err error) {
	config, err := clientcmd.LoadFromFile(inst.Kubeconfig())
	if err != nil {
		return nil, until, err
	}
	cluster := config.Clusters[inst.Name]
	if cluster == nil {
		return nil, until, fmt.Errorf("reading %s: it has no cluster %q: the next 'orrery up' writes it anew", inst.Kubeconfig(), inst.Name)
	}
	if o.server != "" {
		cluster.Server = o.server
	}
	if o.user == "" {
		content, err = clientcmd.Write(*config)
		return content, until, err
	}
	return apiserver.SignKubeconfig(serverDir(inst), apiserver.Grant{
		Who:      identity.Identity{User: o.user, Groups: o.groups},
		Validity: o.expires,
		Server:   cluster.Server,
		Cluster:  inst.Name,
	})
}

// warn tells a person what they may not know of what they have made.
func (o *kubeconfigOptions) warn(out io.Writer, inst *instance.Instance, until time.Time) {
	if !until.IsZero() {
		fmt.Fprintf(out, "orrery: the certificate of %s is good until %s\n", o.user, until.Local().Format(time.RFC1123))
	}
	if slices.Contains(o.groups, user.SystemPrivilegedGroup) {
		fmt.Fprintf(out, "orrery: warning: %s may do everything, and no role can take that away, until then\n", o.user)
	}
	if o.server == "" {
		return
	}
	u, err := url.Parse(o.server)
	if err != nil {
		return // it was checked
	}
	certificate, err := apiserver.ServingCertificateOf(serverDir(inst))
	if err == nil && certificate.VerifyHostname(u.Hostname()) != nil {
		fmt.Fprintf(out, "orrery: warning: the API server's certificate does not cover %s: start it with --tls-san %s\n", u.Hostname(), u.Hostname())
	}
}
