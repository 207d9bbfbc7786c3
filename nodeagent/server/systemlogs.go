package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// queryTimeout bounds one query of the node's logs; the kubelet's figure.
const queryTimeout = 30 * time.Second

// systemLogs shows the files of the node's log directory, or answers a query of the logs of the node's services. A link that leads out
// of the directory is not followed: pods may write there.
func (s *Server) systemLogs(w http.ResponseWriter, r *http.Request) {
	root, err := os.OpenRoot(s.options.LogDir)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "%v", err)
		return
	}
	defer func() { _ = root.Close() }() // it was only read
	query, asked, err := parseLogQuery(r.URL.Query())
	switch {
	case !asked:
		http.FileServerFS(root.FS()).ServeHTTP(w, r)
	case s.settings.EnableSystemLogQuery == nil || !*s.settings.EnableSystemLogQuery:
		refuse(w, http.StatusMethodNotAllowed, "system log query is disabled")
	case err != nil:
		refuse(w, http.StatusBadRequest, "%v", err)
	case len(strings.Trim(r.URL.Path, "/")) > 0:
		refuse(w, http.StatusNotAcceptable, "path not allowed in query mode")
	default:
		s.queryLogs(w, r, root, query)
	}
}

func (s *Server) queryLogs(w http.ResponseWriter, r *http.Request, root *os.Root, query logQuery) {
	if query.file != "" {
		if _, err := root.Stat(query.relative()); err != nil {
			refuse(w, http.StatusBadRequest, "query: %v", err)
			return
		}
		r.URL.Path = "/" + query.relative()
		http.FileServerFS(root.FS()).ServeHTTP(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), queryTimeout)
	defer cancel()
	w.Header().Set("Content-Type", "text/plain;charset=UTF-8")
	units := journalUnits(ctx)
	var journaled, others []string
	for _, service := range query.services {
		if strings.Contains(units, service+".service") {
			journaled = append(journaled, service)
		} else {
			others = append(others, service)
		}
	}
	if len(journaled) > 0 {
		readJournal(ctx, w, query.arguments(journaled))
	}
	switch {
	case len(others) > 0 && query.limited():
		fmt.Fprintf(w, "\noptions present and query resolved to log files for %v\ntry without specifying options\n", others)
	default:
		for _, service := range others {
			copyLog(w, root, service)
		}
	}
}

// journalUnits are the units that the journal knows, one a line; none where there is no journal.
func journalUnits(ctx context.Context) string {
	units, err := exec.CommandContext(ctx, "journalctl", "--field", "_SYSTEMD_UNIT").Output()
	if err != nil {
		return ""
	}
	return string(units)
}

// readJournal writes what the journal has, and what it says where it has nothing.
func readJournal(ctx context.Context, w io.Writer, arguments []string) {
	journal := exec.CommandContext(ctx, "journalctl", arguments...)
	journal.Stdout, journal.Stderr = w, w
	var exited *exec.ExitError
	if err := journal.Run(); err != nil && !errors.As(err, &exited) {
		fmt.Fprint(w, "\nerror: journal output not available\n")
	}
}

// copyLog writes the log file of a service, by whichever of the usual names it has.
func copyLog(w io.Writer, root *os.Root, service string) {
	for _, name := range []string{service, service + ".log", filepath.Join(service, service+".log")} {
		file, err := root.Open(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			fmt.Fprintf(w, "\nerror getting log for %s: %v\n", service, err)
			return
		}
		info, err := file.Stat()
		if err == nil && info.IsDir() {
			_ = file.Close() // it was only looked at
			continue
		}
		if err == nil {
			_, err = io.Copy(w, file)
		}
		if err = errors.Join(err, file.Close()); err != nil {
			fmt.Fprintf(w, "\nerror getting log for %s: %v\n", service, err)
		}
		return
	}
	fmt.Fprintf(w, "\nlog not found for %s\n", service)
}
