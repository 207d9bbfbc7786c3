package host

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cri"
)

const hostsPath = "/etc/hosts"

// hostsFile writes the pod's /etc/hosts, which its containers share, and returns where it is.
func (h *Host) hostsFile(pod *corev1.Pod, ips []string) (string, error) {
	file := filepath.Join(h.podDir(pod), "etc-hosts")
	if pod.Spec.HostNetwork {
		content, err := os.ReadFile(hostsPath)
		if err != nil && !os.IsNotExist(err) {
			return "", fmt.Errorf("reading the node's hosts: %w", err)
		}
		return file, writeHosts(file, "# Kubernetes-managed hosts file (host network).\n"+string(content)+aliases(pod))
	}
	return file, writeHosts(file, hosts(ips, Hostname(pod), h.domain(pod))+aliases(pod))
}

// writeHosts writes into the file that is there, which other containers of the pod may have mounted.
func writeHosts(file, content string) error {
	if old, err := os.ReadFile(file); err != nil || string(old) != content {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing the pod's hosts: %w", err)
		}
	}
	if err := os.Chmod(file, 0o644); err != nil { // whatever the umask was when it was made
		return fmt.Errorf("setting the mode of the pod's hosts: %w", err)
	}
	return nil
}

// domain is what follows the hostname in the pod's fully qualified name; "" without a subdomain, and where
// the hostname is overridden.
func (h *Host) domain(pod *corev1.Pod) string {
	if pod.Spec.Subdomain == "" || pod.Spec.HostnameOverride != nil {
		return ""
	}
	return pod.Spec.Subdomain + "." + pod.Namespace + ".svc." + h.ClusterDomain
}

func hosts(ips []string, hostname, domain string) string {
	var b strings.Builder
	b.WriteString("# Kubernetes-managed hosts file.\n")
	b.WriteString("127.0.0.1\tlocalhost\n")
	b.WriteString("::1\tlocalhost ip6-localhost ip6-loopback\n")
	b.WriteString("fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n")
	for _, ip := range ips {
		if domain != "" {
			fmt.Fprintf(&b, "%s\t%s.%s\t%s\n", ip, hostname, domain, hostname)
			continue
		}
		fmt.Fprintf(&b, "%s\t%s\n", ip, hostname)
	}
	return b.String()
}

func aliases(pod *corev1.Pod) string {
	if len(pod.Spec.HostAliases) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("\n# Entries added by HostAliases.\n")
	for _, alias := range pod.Spec.HostAliases {
		fmt.Fprintf(&b, "%s\t%s\n", alias.IP, strings.Join(alias.Hostnames, "\t"))
	}
	return b.String()
}

// terminationLog makes the file that a container may write its last words to.
func (h *Host) terminationLog(pod *corev1.Pod, spec *corev1.Container, restarts int32) (string, error) {
	dir := filepath.Join(h.podDir(pod), "containers", spec.Name)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", fmt.Errorf("making the directory of container %s: %w", spec.Name, err)
	}
	name := filepath.Join(dir, fmt.Sprintf("termination-log-%d", restarts))
	file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return "", fmt.Errorf("making the termination log of container %s: %w", spec.Name, err)
	}
	// The mode that the umask left may keep a container's user out.
	return name, errors.Join(file.Chmod(0o666), file.Close())
}

// Upstream's limits of a termination message.
const (
	maxMessage      = 4096
	maxMessageOfLog = 2048
	maxMessageLines = 80
)

// terminationMessage is what the container wrote to its file, or, where it wants that and failed, the end of its log.
func (h *Host) terminationMessage(c *cri.Container) string {
	if message := tail(c.TerminationLog, maxMessage); message != "" {
		return message
	}
	policy := corev1.TerminationMessagePolicy(c.Annotations[cri.AnnotationTerminationMessagePolicy])
	if policy != corev1.TerminationMessageFallbackToLogsOnError || c.ExitCode == 0 {
		return c.Message
	}
	var lines []string
	for line := range strings.Lines(tail(c.LogPath, 2*maxMessageOfLog)) {
		// time stream tag text; a first line that was cut in the middle has fewer parts
		parts := strings.SplitN(line, " ", 4)
		switch {
		case len(parts) < 4:
		case parts[2] == string(runtimeapi.LogTagPartial): // the container wrote no end of this line
			lines = append(lines, strings.TrimSuffix(parts[3], "\n"))
		default:
			lines = append(lines, parts[3])
		}
	}
	lines = lines[max(0, len(lines)-maxMessageLines):]
	text := strings.Join(lines, "")
	return text[max(0, len(text)-maxMessageOfLog):]
}

// tail returns the last bytes of a file, or nothing if it cannot be read.
func tail(name string, limit int64) string {
	if name == "" {
		return ""
	}
	file, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }() // it was only read
	if info, err := file.Stat(); err == nil && info.Size() > limit {
		if _, err := file.Seek(-limit, io.SeekEnd); err != nil {
			return ""
		}
	}
	content, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return ""
	}
	return string(content)
}
