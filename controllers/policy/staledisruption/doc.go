// Package staledisruption takes back that a pod is to be disrupted, when it was not. It is the part of kube-controller-manager's
// disruption-controller that looks at pods; the other part, budgets, is package disruption.
//
// It watches pods, and owns nothing of theirs but the condition DisruptionTarget of one that goes on.
//
// # What it promises
//
//   - A pod that has had the condition DisruptionTarget for two minutes, is not being deleted and has not ended, gets it set to False.
//   - What the node agent says (TerminationByKubelet) stands: a pod that it ends may take as long as it takes.
package staledisruption
