namespace OrleansEdge.Model.Tests;

public class ModelRulesTests
{
    [Fact]
    public void Ends_StandInTheOrderOfTheirCauses()
        => Assert.All(Enum.GetValues<EndCause>(), cause => Assert.Equal(cause, SessionEndRule.Of(cause).Cause));

    [Fact]
    public void ReasonsOfCloseFrames_FitAControlFrame()
        => Assert.All(
            SessionEndRule.All.SelectMany(rule => new[] { rule.ToClient, rule.ToOrigin }).OfType<CloseFrame>(),
            close => Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(close.Reason), 1, 123));

    [Fact]
    public void Assembly_ReferencesTheFrameworkOnly()
        => Assert.All(
            typeof(DomainConfig).Assembly.GetReferencedAssemblies(),
            reference => Assert.StartsWith("System.", reference.Name!, StringComparison.Ordinal));
}
