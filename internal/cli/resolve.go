package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/network/dns"
	"github.com/spf13/cobra"
)

func newDNS(t *target) *cobra.Command {
	var (
		kind, namespace string
		format          printer.Format
	)
	c := &cobra.Command{
		Use:   "dns NAME",
		Short: "Ask the control plane's DNS for a name, as a pod would",
		Long: `Ask the DNS of the control plane for the records of a name. A short name is searched for
as a resolver in a pod does, so that 'web' finds the Service web of the namespace. An
address asks for its name. The exit code is 1 if there are no such records.`,
		Example: `  orrery dns kubernetes
  orrery dns web -n shop --type AAAA
  orrery dns _http._tcp.web.shop.svc.cluster.local --type SRV
  orrery dns 10.96.0.1`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			if !inst.Running() {
				return notRunning(inst)
			}
			var answer dns.Answer
			if err := inst.Ask(c.Context(), args[0], kind, namespace, &answer); err != nil {
				return err
			}
			err = printer.Prose(c.OutOrStdout(), format, answer, func(out io.Writer) error {
				for _, record := range answer.Records {
					if _, err := fmt.Fprintln(out, record); err != nil {
						return err
					}
				}
				return nil
			})
			if err == nil && len(answer.Records) == 0 {
				err = noRecords(args[0], answer)
			}
			return err
		},
	}
	c.Flags().StringVar(&kind, "type", "A", "`type` of records: A, AAAA, SRV, PTR, CNAME, TXT and so on")
	c.Flags().StringVarP(&namespace, "namespace", "n", "default", "`namespace` of the pod that would ask: short names are searched for there")
	format.AddProseFlag(c)
	return c
}

// noRecords says that there are none, and what was asked for.
func noRecords(name string, a dns.Answer) error {
	said := fmt.Sprintf("%s has no records of type %s: %s answers %s", name, a.Type, a.Server, a.Status)
	if asked := append(a.Tried, a.Name); len(asked) > 1 {
		said += " for " + strings.Join(asked, ", ")
	}
	return errors.New(said)
}
