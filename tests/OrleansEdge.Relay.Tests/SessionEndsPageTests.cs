using System.Reflection;
using OrleansEdge.Model;
using OrleansEdge.Relay.Admission;
using OrleansEdge.Testing;
using Xunit;

namespace OrleansEdge.Relay.Tests;

/// <summary>Compares docs/session-ends.md with the rules.</summary>
public class SessionEndsPageTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(RepositoryFiles.Root, "docs", "session-ends.md"));

    [Fact]
    public void EndsOfThePage_AreThoseOfTheRules()
        => Assert.Equal(SessionEndRule.All.Select(Row), RowsBelow("| cause | by | phase | the client gets | the origin gets |"));

    [Fact]
    public void EveryCause_IsExplained()
        => Assert.All(SessionEndRule.All, rule => Assert.Contains(
            Lines, line => line.StartsWith("- `", StringComparison.Ordinal) && line.Contains($"`{rule.Word}`", StringComparison.Ordinal)));

    [Fact]
    public void RefusalsOfThePage_AreThoseOfTheEdge()
        => Assert.Equal(Refusals().Select(Row), RowsBelow("| cause | by | status | Proxy-Status error |"));

    private static IEnumerable<string> RowsBelow(string head)
        => Lines.SkipWhile(line => line != head).Skip(2).TakeWhile(line => line.StartsWith('|'));

    private static IEnumerable<Refusal> Refusals()
        => typeof(Refusal).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (Refusal)field.GetValue(null)!);

    private static string Row(SessionEndRule rule)
    {
        var phase = rule.Cause == EndCause.EdgeDraining ? "draining" : "relaying";
        var (client, origin) = rule.Cause switch
        {
            EndCause.ClientClose => ("the origin's answer, relayed", "the client's Close, relayed"),
            EndCause.OriginClose => ("the origin's Close, relayed", "the client's answer, relayed"),
            _ => (Cell(rule.ToClient), Cell(rule.ToOrigin)),
        };
        return $"| `{rule.Word}` | {rule.By.ToString().ToLowerInvariant()} | {phase} | {client} | {origin} |";
    }

    private static string Row(Refusal refusal)
        => $"| `{refusal.Code}` | {(refusal.Status is 502 or 504 ? "origin" : "edge")} | {refusal.Status} | `{refusal.ProxyError}` |";

    private static string Cell(CloseFrame? close) => close is { } frame ? $"{frame.Code} `{frame.Reason}`" : "gone";
}
