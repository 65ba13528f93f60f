namespace OrleansEdge.Hosting.Startup;

/// <summary>An exception whose message is a sentence for people, and who knows what they can do about it.</summary>
public interface IStartAdvice
{
    /// <summary>A sentence that follows the message.</summary>
    string Advice { get; }
}
