package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func list(args []string) error {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name := entry.Name()
		if target, err := os.Readlink(filepath.Join(dir, name)); err == nil {
			name += " -> " + target
		}
		fmt.Printf("%s %10d %s %s\n", info.Mode(), info.Size(), info.ModTime().UTC().Format(time.DateTime), name)
	}
	return nil
}

func cat(args []string) error {
	if len(args) == 0 {
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	}
	for _, name := range args {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(os.Stdout, file)
		_ = file.Close() // it was only read
		if err != nil {
			return err
		}
	}
	return nil
}

func env([]string) error {
	writeEnv(os.Stdout)
	return nil
}

func processes([]string) error {
	commands, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	for _, file := range commands {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		pid := filepath.Base(filepath.Dir(file))
		fmt.Printf("%6s %s\n", pid, strings.TrimSpace(strings.ReplaceAll(string(line), "\x00", " ")))
	}
	return nil
}

func addresses([]string) error {
	for _, address := range globalAddresses() {
		fmt.Println(address)
	}
	return nil
}

// globalAddresses are the addresses at which others reach us.
func globalAddresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var global []string
	for _, address := range all {
		if ip, ok := address.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			global = append(global, ip.IP.String())
		}
	}
	return global
}

func wget(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one URL, such as http://web:8080/")
	}
	url := args[0]
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Second}
	if err := asServiceAccount(client, request); err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	if _, err := io.Copy(os.Stdout, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", url, answer.Status)
	}
	return nil
}

// serviceAccount is where a pod finds who it is for the API server.
const serviceAccount = "/var/run/secrets/kubernetes.io/serviceaccount"

// asServiceAccount makes a request to the API server one of the pod's service account. Others stay as they are.
func asServiceAccount(client *http.Client, request *http.Request) error {
	host := os.Getenv("KUBERNETES_SERVICE_HOST")
	if name := request.URL.Hostname(); host == "" || name != host && !strings.HasPrefix(name, "kubernetes.default") {
		return nil
	}
	authority, err := os.ReadFile(filepath.Join(serviceAccount, "ca.crt"))
	if err != nil {
		return err
	}
	token, err := os.ReadFile(filepath.Join(serviceAccount, "token"))
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}}
	request.Header.Set("Authorization", "Bearer "+string(token))
	return nil
}

// kill sends SIGTERM to a process of the container, as to its first one to see what becomes of the pod.
func kill(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one process, such as 1")
	}
	pid, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("%q is no process: %w", args[0], err)
	}
	return syscall.Kill(pid, syscall.SIGTERM)
}

func lookup(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one name, such as kubernetes.default")
	}
	found, err := net.DefaultResolver.LookupHost(context.Background(), args[0])
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(found, "\n"))
	return nil
}

func sleep(args []string) error {
	wait := 365 * 24 * time.Hour
	if len(args) > 0 {
		seconds, err := strconv.ParseFloat(args[0], 64)
		if err != nil {
			return fmt.Errorf("%q is no number of seconds", args[0])
		}
		wait = time.Duration(seconds * float64(time.Second))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	return nil
}
