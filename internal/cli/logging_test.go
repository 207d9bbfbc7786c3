package cli

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/klog/v2"
)

func TestLibrariesAreSilentWhereAPersonWaitsForAnAnswer(t *testing.T) {
	state := klog.CaptureState()
	defer state.Restore()
	klog.LogToStderr(false)
	for words, silent := range map[string]bool{"status": true, "down": true, "image list": true, "up": false, "manager": false, "kubectl": false} {
		var said bytes.Buffer
		klog.SetOutput(&said)
		klog.ClearLogger()
		root := newRoot()
		command, _, err := root.Find(strings.Fields(words))
		if err != nil {
			t.Fatal(err)
		}
		root.PersistentPreRun(command, nil)
		klog.Warning("the connection is not there yet")
		klog.Flush()
		if got := said.Len() == 0; got != silent {
			t.Errorf("%s: libraries are silent: %t, want %t (%q)", words, got, silent, &said)
		}
	}
	klog.ClearLogger()
}
