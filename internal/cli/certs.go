package cli

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/orrery-dev/orrery/apiserver"
	"github.com/orrery-dev/orrery/apiserver/pki"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/printer"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
)

// listedCertificate is a certificate in a list. Its JSON is stable: fields may be added.
type listedCertificate struct {
	// Holder is whom it names, with the groups, or the server's names and addresses.
	Holder   string    `json:"holder"`
	Groups   []string  `json:"groups,omitempty"`
	Names    []string  `json:"names,omitempty"`
	SignedBy string    `json:"signedBy"`
	Until    time.Time `json:"until"`
	// Renewal is from when on it is signed anew while the control plane runs, or when it starts; zero where nobody does that.
	Renewal time.Time `json:"renewal,omitzero"`
	File    string    `json:"file"`
}

func newCerts(t *target) *cobra.Command {
	c := &cobra.Command{
		Use:     "certs",
		Short:   "Look at the certificates of the control plane",
		Example: `  orrery certs list`,
	}
	c.AddCommand(newCertsList(t))
	return c
}

func newCertsList(t *target) *cobra.Command {
	var format printer.Format
	c := &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List who holds which certificate, until when, and when it is renewed",
		Long: `List the certificates of a control plane, whether or not it runs: who holds each, who signed
it, until when it is good, and from when on it is signed anew: while the control plane
runs, or else at its next start. Certificates that others were given, by CertificateSigningRequests or by
'orrery kubeconfig --as-user', are not known here.`,
		Example: `  orrery certs list
  orrery certs list -o json | jq -r '.[] | select(.until < "2027") | .file'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			inst, err := t.instance()
			if err != nil {
				return err
			}
			list, err := certificatesOf(inst)
			if err != nil {
				return err
			}
			return printer.Print(c.OutOrStdout(), format, list, func() printer.Table { return certificateTable(list, time.Now()) })
		},
	}
	format.AddFlag(c)
	return c
}

// certificatesOf are those of an instance, those that end first at the beginning.
func certificatesOf(inst *instance.Instance) ([]listedCertificate, error) {
	held, err := apiserver.Certificates(serverDir(inst))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("instance %s in %s has no certificates: it has never been started: start it with '%s'", inst.Name, inst.Dir, inst.Command("up"))
	}
	if err != nil {
		return nil, err
	}
	list := make([]listedCertificate, 0, len(held)+1)
	for _, certificate := range held {
		list = append(list, listedAsCertificate(certificate))
	}
	admin, err := administratorsCertificate(inst)
	if err != nil {
		return nil, err
	}
	if admin != nil {
		list = append(list, listedAsCertificate(pki.Held{File: inst.Kubeconfig(), Certificate: admin}))
	}
	slices.SortStableFunc(list, func(a, b listedCertificate) int { return a.Until.Compare(b.Until) })
	return list, nil
}

// administratorsCertificate is the one in the kubeconfig; nil where there is none yet.
func administratorsCertificate(inst *instance.Instance) (*x509.Certificate, error) {
	config, err := clientcmd.LoadFromFile(inst.Kubeconfig())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", inst.Kubeconfig(), err)
	}
	for _, user := range config.AuthInfos {
		certificates, err := certutil.ParseCertsPEM(user.ClientCertificateData)
		if err != nil {
			return nil, fmt.Errorf("reading the certificate in %s: %w", inst.Kubeconfig(), err)
		}
		return certificates[0], nil
	}
	return nil, nil
}

func listedAsCertificate(held pki.Held) listedCertificate {
	l := listedCertificate{
		Holder: held.Subject.CommonName, Groups: held.Subject.Organization, Names: slices.Clone(held.DNSNames),
		SignedBy: held.Issuer.CommonName, Until: held.NotAfter, Renewal: held.Renewal(), File: held.File,
	}
	for _, address := range held.IPAddresses {
		l.Names = append(l.Names, address.String())
	}
	if held.IsCA {
		l.Groups = nil // which for an authority say who made it
	}
	return l
}

func certificateTable(list []listedCertificate, now time.Time) printer.Table {
	table := printer.Table{Columns: []printer.Column{
		{Name: "HOLDER"}, {Name: "SIGNED BY"}, {Name: "GOOD FOR"}, {Name: "RENEWED IN"}, {Name: "FILE"},
		{Name: "GROUPS", WideOnly: true}, {Name: "NAMES", WideOnly: true},
	}}
	for _, l := range list {
		left := "has ended"
		if l.Until.After(now) {
			left = duration.HumanDuration(l.Until.Sub(now))
		}
		renewal := "-"
		switch {
		case l.Renewal.After(now):
			renewal = duration.HumanDuration(l.Renewal.Sub(now))
		case !l.Renewal.IsZero():
			renewal = "due"
		}
		table.Rows = append(table.Rows, []string{
			l.Holder, l.SignedBy, left, renewal, filepath.Base(l.File), strings.Join(l.Groups, ","), strings.Join(l.Names, ","),
		})
	}
	return table
}
