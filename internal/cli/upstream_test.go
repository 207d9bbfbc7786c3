package cli

import (
	"strings"
	"testing"
)

func TestWhatKubectlDoesWithoutACluster(t *testing.T) {
	for arguments, without := range map[string]bool{
		"": true, "--help": true, "get --help": true, "help get": true, "config view": true, "kustomize .": true,
		"completion bash": true, "version --client": true, "create deployment x --image=y --dry-run=client -o yaml": true,
		"set image -f x.yaml a=b --local": true,
		"get pods":                        false, "version": false, "apply -f help": false, "-v 6 get pods": false, "create -f x --dry-run=server": false,
	} {
		if got := needsNoCluster(strings.Fields(arguments)); got != without {
			t.Errorf("kubectl %s needs no cluster: %t, want %t", arguments, got, without)
		}
	}
}

func TestWhetherKubectlIsToldItsCluster(t *testing.T) {
	for arguments, told := range map[string]bool{
		"get pods": false, "apply --server-side -f x": false, "apply --server-side=true -f x": false,
		"-s https://a get pods": true, "--server https://a get pods": true, "--server=https://a get pods": true,
		"get pods --kubeconfig x": true, "get pods --kubeconfig=x": true,
	} {
		if got := namesCluster(strings.Fields(arguments)); got != told {
			t.Errorf("kubectl %s is told its cluster: %t, want %t", arguments, got, told)
		}
	}
}
