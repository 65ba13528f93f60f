using Microsoft.Extensions.Hosting;

namespace OrleansEdge.Hosting.Health;

/// <summary>Something that must hold before new work should come to the process. Thread safe.</summary>
public interface IReadinessCondition
{
    /// <summary>The state of the process while it does not hold, a word or a few; <see langword="null"/>: it holds. Asked for each look at
    /// the readiness, so it must be cheap and not block.</summary>
    string? WhyNot { get; }
}

/// <summary>Whether new work should come here. Thread safe.</summary>
/// <param name="lifetime">Tells a starting process from one that serves.</param>
/// <param name="conditions">All must hold; the first that does not gives the state its word.</param>
public sealed class Readiness(IHostApplicationLifetime lifetime, IEnumerable<IReadinessCondition> conditions)
{
    /// <summary>State before the start is complete.</summary>
    public const string Starting = "starting";

    /// <summary>State in which work may come.</summary>
    public const string Ready = "ready";

    /// <summary>State from the beginning of the stop on.</summary>
    public const string Draining = "draining";

    private readonly IReadinessCondition[] _conditions = [.. conditions];

    /// <summary>One of the constants, or what a condition says.</summary>
    public string State
    {
        get
        {
            if (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return Draining;
            }

            var missing = _conditions.Select(condition => condition.WhyNot).FirstOrDefault(word => word is not null);
            return missing ?? (lifetime.ApplicationStarted.IsCancellationRequested ? Ready : Starting);
        }
    }
}

/// <summary>A condition that a host states in a line.</summary>
/// <param name="whyNot">As <see cref="IReadinessCondition.WhyNot"/>.</param>
public sealed class ReadinessCondition(Func<string?> whyNot) : IReadinessCondition
{
    /// <inheritdoc/>
    public string? WhyNot => whyNot();
}
