package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/internal/cli/bootstraptoken"
	"github.com/orrery-dev/orrery/internal/cli/clusterinfo"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

func newToken(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:   "token",
		Short: "Make, list and delete the tokens by which other machines become nodes",
		Example: `  orrery token create --print-join-command
  orrery token list`,
	}
	c.AddCommand(newTokenCreate(t), newTokenList(t), newTokenDelete(t))
	return c
}

// made is a new token, for programs. Its JSON is stable: fields may be added.
type made struct {
	bootstraptoken.Token
	JoinCommand string `json:"joinCommand"`
}

func newTokenCreate(t *target) *cobra.Command {
	var (
		access access
		o      bootstraptoken.Options
		format printer.Format
		join   bool
		member bool
	)
	c := &cobra.Command{
		Use:   "create [TOKEN]",
		Short: "Make a token",
		Long: `Make a bootstrap token, drawn at random unless one is given, and print it. Whoever has it
can make machines nodes until it expires: give it to nobody else, and delete it when it
has served.

The control plane has to be reachable from the other machine: start it with
--bind-address.`,
		Example: `  orrery token create --print-join-command
  orrery token create --control-plane --print-join-command
  orrery token create --ttl 2h --description "the machines in the attic"
  orrery token create -o json | jq -r .joinCommand`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.Token = strings.Join(args, "")
			if member {
				if err := forMember(&o, c.Flags()); err != nil {
					return err
				}
			}
			api, err := access.clients(t)
			if err != nil {
				return err
			}
			token, err := createToken(c.Context(), api, o, member, c.ErrOrStderr())
			if err != nil {
				return err
			}
			return printer.Prose(c.OutOrStdout(), format, token, func(out io.Writer) error {
				if join {
					_, err = fmt.Fprintln(out, token.JoinCommand)
				} else {
					_, err = fmt.Fprintln(out, token.Token.Token)
				}
				return err
			})
		},
	}
	flags := c.Flags()
	access.addReach(flags)
	flags.DurationVar(&o.TTL, "ttl", bootstraptoken.DefaultTTL, "how long the token is good for; 0 for ever")
	flags.StringVar(&o.Description, "description", "", "`text` for people about what the token is for")
	flags.StringSliceVar(&o.Usages, "usages", bootstraptoken.Usages(), "`uses` of the token: signing, by which a machine knows the cluster, and authentication, by which it is let in; to join takes both")
	flags.StringSliceVar(&o.Groups, "groups", []string{identity.Bootstrappers}, "`groups` of who is let in by the token")
	flags.BoolVar(&member, "control-plane", false, "make a token by which one machine becomes a member of the control plane, with all its keys, in the place of a node; it is good for an hour unless --ttl says otherwise, and for once")
	flags.BoolVar(&join, "print-join-command", false, "print the command by which a machine joins, and not only the token")
	format.AddProseFlag(c)
	return c
}

// memberTTL is how long a token for a member is good for, and longestMemberTTL how long one may be: who has it has everything.
const (
	memberTTL        = time.Hour
	longestMemberTTL = 24 * time.Hour
)

// forMember has a token be one for a member of the control plane, and for nothing else.
func forMember(o *bootstraptoken.Options, flags *pflag.FlagSet) error {
	switch {
	case flags.Changed("groups"), flags.Changed("usages"):
		return errors.New("--control-plane says what the token is for: leave out --groups and --usages")
	case !flags.Changed("ttl"):
		o.TTL = memberTTL
	case o.TTL <= 0 || o.TTL > longestMemberTTL:
		return fmt.Errorf("--ttl %s: want at most %s for a token by which a machine is given all keys of the control plane", o.TTL, longestMemberTTL)
	}
	o.Groups = []string{identity.MemberBootstrappers}
	return nil
}

// createToken makes a token, and waits until machines can join by it.
func createToken(ctx context.Context, api kubernetes.Interface, o bootstraptoken.Options, member bool, warn io.Writer) (made, error) {
	token, err := bootstraptoken.New(o, time.Now())
	if err != nil {
		return made{}, err
	}
	published, err := bootstraptoken.ClusterInfo(ctx, api)
	if err != nil {
		return made{}, err
	}
	info, err := clusterinfo.Of(published)
	if err != nil {
		return made{}, err
	}
	command, err := joinCommand(info, token.Token, member)
	if err != nil {
		return made{}, err
	}
	if err := bootstraptoken.Create(ctx, api, token); err != nil {
		return made{}, err
	}
	if err := awaitSignature(ctx, api, token); err != nil {
		fmt.Fprintf(warn, "orrery: warning: %v\n", err)
	}
	return made{token, command}, nil
}

// signaturePatience is how long a token may take to sign cluster-info, which takes its loop an instant.
const signaturePatience = 10 * time.Second

// awaitSignature waits until cluster-info is signed with a token that is for that.
func awaitSignature(ctx context.Context, api kubernetes.Interface, token bootstraptoken.Token) error {
	if !strings.Contains(strings.Join(token.Usages, ","), "signing") {
		return nil
	}
	err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, signaturePatience, true, func(ctx context.Context) (bool, error) {
		published, err := bootstraptoken.ClusterInfo(ctx, api)
		return err == nil && bootstraptoken.Signs(published, token.ID()), err
	})
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("ConfigMap cluster-info is not signed with the token yet, and nobody can join by it before: does bootstrap-signer-controller run?")
	default:
		return err
	}
}

// joinCommand is what to type on another machine.
func joinCommand(info clusterinfo.Info, token string, member bool) (string, error) {
	server, err := url.Parse(info.Server)
	if err != nil {
		return "", fmt.Errorf("reading where the API server is: %w", err)
	}
	pins, err := clusterinfo.Pins(info.CA)
	if err != nil {
		return "", err
	}
	command := fmt.Sprintf("orrery node --join %s --token %s", server.Host, token)
	if member {
		command = fmt.Sprintf("orrery up --join %s@%s", token, server.Host)
	}
	for _, pin := range pins {
		command += " --ca-hash " + pin
	}
	return command, nil
}

func newTokenList(t *target) *cobra.Command {
	var (
		access access
		format printer.Format
	)
	c := &cobra.Command{
		Use:   "list",
		Short: "List the tokens",
		Example: `  orrery token list
  orrery token list -o json | jq -r '.[].token'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := access.clients(t)
			if err != nil {
				return err
			}
			tokens, err := bootstraptoken.List(c.Context(), api)
			if err != nil {
				return err
			}
			return printer.Print(c.OutOrStdout(), format, tokens, func() printer.Table { return tokenTable(tokens, time.Now()) })
		},
	}
	access.addReach(c.Flags())
	format.AddFlag(c)
	return c
}

func tokenTable(tokens []bootstraptoken.Token, now time.Time) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "TOKEN"}, {Name: "TTL"}, {Name: "EXPIRES"}, {Name: "USAGES"}, {Name: "DESCRIPTION", Yields: true}, {Name: "EXTRA GROUPS", Yields: true},
	}}
	for _, t := range tokens {
		left, end := "<forever>", "<never>"
		if t.Expires != nil {
			left, end = "<expired>", t.Expires.Format(time.RFC3339)
			if t.Expires.After(now) {
				left = duration.HumanDuration(t.Expires.Sub(now))
			}
		}
		table.Rows = append(table.Rows, []string{t.Token, left, end, strings.Join(t.Usages, ","), t.Description, strings.Join(t.Groups, ",")})
	}
	return table
}

func newTokenDelete(t *target) *cobra.Command {
	var access access
	c := &cobra.Command{
		Use:   "delete TOKEN...",
		Short: "Delete tokens",
		Long: `Delete tokens, each by its id, which is what stands before the full stop, or by the whole
of it. Machines that have joined by them stay nodes.`,
		Example: `  orrery token delete abcdef`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			api, err := access.clients(t)
			if err != nil {
				return err
			}
			for _, named := range args {
				id, err := bootstraptoken.IDOf(named)
				if err != nil {
					return err
				}
				if err := bootstraptoken.Delete(c.Context(), api, id); err != nil {
					return err
				}
				c.Printf("bootstrap token %q deleted\n", id)
			}
			return nil
		},
	}
	access.addReach(c.Flags())
	return c
}

// clients are for the kinds that every cluster has.
func (a *access) clients(t *target) (kubernetes.Interface, error) {
	config, err := a.rest(t)
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // the server's priority and fairness decides
	api, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client for %s: %w", config.Host, err)
	}
	return api, nil
}
