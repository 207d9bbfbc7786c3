package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/orrery-dev/orrery/internal/wiring"
	"github.com/orrery-dev/orrery/network/traffic"
	"github.com/spf13/cobra"
)

func newTraffic(t *target) *cobra.Command {
	var (
		question traffic.Question
		protocol string
		reach    access
		format   printer.Format
	)
	c := &cobra.Command{
		Use:   "traffic FROM TO[:PORT]",
		Short: "Say what becomes of a connection, and why: its name, Service, endpoints, policies and route",
		Long: `Say what becomes of a connection from a pod, a node or an address to a name, a Service, a
pod, a node or an address: what the name leads to, which endpoints the Service has for it
and why not others, which NetworkPolicy lets it through or stops it, and which way it takes.

The answer follows from what the API server knows. No packet is sent, and whether a program
listens where the connection ends is not known. A port may be left out where a Service has
only one, and be called by its name.`,
		Example: `  orrery explain traffic pod/client web:80
  orrery explain traffic client service/shop/web:http -n front
  orrery explain traffic node/one 10.96.0.10:53 --protocol udp
  orrery explain traffic 192.0.2.7 node/one:30080
  orrery explain traffic client web -o json | jq -r .outcome`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			question.From = args[0]
			question.To, question.Port = traffic.Target(args[1])
			question.Protocol = corev1.Protocol(strings.ToUpper(protocol))
			switch question.Protocol {
			case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
			default:
				return fmt.Errorf("--protocol %s: want tcp, udp or sctp", protocol)
			}
			question.Domain = t.domain()
			world, err := readTraffic(c.Context(), t, reach)
			if err != nil {
				return err
			}
			answer, err := traffic.Explain(world, question)
			if err != nil {
				return err
			}
			return printer.Prose(c.OutOrStdout(), format, answer, func(out io.Writer) error { return answer.Write(out) })
		},
	}
	c.Flags().StringVarP(&question.Namespace, "namespace", "n", corev1.NamespaceDefault, "`namespace` of pods and Services that are named without one")
	c.Flags().StringVar(&protocol, "protocol", "tcp", "`protocol` of the connection: tcp, udp or sctp")
	reach.addFlags(c.Flags())
	format.AddProseFlag(c)
	return c
}

// domain is that of the instance's names, if there is an instance; else empty.
func (t *target) domain() string {
	inst, err := t.instance()
	if err != nil {
		return ""
	}
	settings, err := inst.Settings()
	if err != nil {
		return ""
	}
	return settings.Domain
}

func readTraffic(ctx context.Context, t *target, reach access) (traffic.World, error) {
	cluster, err := reach.cluster(t)
	if err != nil {
		return traffic.World{}, err
	}
	direct, err := wiring.Client(cluster)
	if err != nil {
		return traffic.World{}, err
	}
	return traffic.Read(ctx, direct)
}

// serviceArgument reads service/NAME.
func serviceArgument(argument string) (string, bool) {
	kind, name, ok := strings.Cut(argument, "/")
	return name, ok && name != "" && (kind == "service" || kind == "services" || kind == "svc")
}

func explainService(c *cobra.Command, t *target, reach access, namespace, name string, format printer.Format) error {
	world, err := readTraffic(c.Context(), t, reach)
	if err != nil {
		return err
	}
	service, err := traffic.ExplainService(world, namespace, name)
	if err != nil {
		return err
	}
	return printer.Prose(c.OutOrStdout(), format, service, func(out io.Writer) error { return service.Write(out) })
}
