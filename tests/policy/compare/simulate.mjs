// Asks the evaluator installed under argv[2]: one simulation a line of standard input, its answer a line of the output.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'

const { runSimulation } = createRequire(`${process.argv[2]}/`)('@cloud-copilot/iam-simulate')

for await (const line of createInterface({ input: process.stdin })) {
  const simulation = JSON.parse(line)
  const answer = await runSimulation(simulation, {})
  if (answer.resultType !== 'single') {
    console.log(JSON.stringify({ error: answer.errors ?? answer.resultType }))
    continue
  }
  const { analysis, ignoredContextKeys } = answer.result
  console.log(JSON.stringify({
    overall: answer.overallResult,
    ignored: ignoredContextKeys,
    layers: {
      'identity-policy': analysis.identityAnalysis?.result,
      'permissions-boundary': analysis.permissionBoundaryAnalysis?.result,
      'service-control-policy': analysis.scpAnalysis?.result,
      'resource-control-policy': analysis.rcpAnalysis?.result,
      'session-policy': analysis.sessionAnalysis?.result,
      'resource-policy': analysis.resourceAnalysis?.result,
      'endpoint-policy': analysis.endpointAnalysis?.result,
    },
  }))
}
