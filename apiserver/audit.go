package apiserver

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	kubeoptions "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// Audit says where the API server writes down who asked for what, one JSON object a line.
type Audit struct {
	// LogFile is where: it, and what is rotated out of it, are readable by their owner alone. Required.
	LogFile string
	// PolicyFile is an audit.k8s.io Policy, which says what of which requests is written. Empty means the metadata of every
	// request, and no bodies.
	PolicyFile string
}

// What is kept of the audit log: files of 100 MB, ten of them, for a month.
const (
	auditMegabytes = 100
	auditFiles     = 10
	auditDays      = 30
)

// metadataPolicy is the policy of an Audit that names none.
//
//go:embed audit-policy.yaml
var metadataPolicy []byte

// setAudit turns auditing on. Upstream reads the policy from a file, so ours is laid into the data directory.
func (s *Server) setAudit(u *kubeoptions.ServerRunOptions) error {
	audit := s.options.Audit
	if audit == nil {
		return nil
	}
	policy := audit.PolicyFile
	if policy == "" {
		policy = filepath.Join(s.options.DataDir, "audit-policy.yaml")
		if err := os.WriteFile(policy, metadataPolicy, 0o600); err != nil {
			return fmt.Errorf("writing the audit policy: %w", err)
		}
	}
	u.Audit.PolicyFile = policy
	u.Audit.LogOptions.Path = audit.LogFile
	u.Audit.LogOptions.MaxSize, u.Audit.LogOptions.MaxBackups, u.Audit.LogOptions.MaxAge = auditMegabytes, auditFiles, auditDays
	return nil
}
