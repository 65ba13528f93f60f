using OrleansEdge.Model;

namespace OrleansEdge.Contracts;

/// <summary>An answer or a failure, as <see cref="ControlResult{T}"/> on the way between processes.</summary>
/// <param name="Value">The answer; of no meaning where there is a failure.</param>
/// <param name="Failure"><see langword="null"/> where there is an answer.</param>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.Reply`1")]
public sealed record Reply<T>([property: Id(0)] T? Value, [property: Id(1)] FailureWire? Failure)
{
    /// <summary>An answer.</summary>
    public static implicit operator Reply<T>(T value) => new(value, null);

    /// <summary>A failure.</summary>
    public static implicit operator Reply<T>(ControlFailure failure) => new(default, FailureWire.Of(failure));

    /// <summary>As the port has it.</summary>
    public ControlResult<TResult> To<TResult>(Func<T, TResult> convert)
    {
        ArgumentNullException.ThrowIfNull(convert);
        return Failure is null ? convert(Value!) : Failure.ToFailure();
    }
}

/// <summary>Why a call changed nothing.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.FailureWire")]
public sealed record FailureWire(
    [property: Id(0)] ControlFailureKind Kind, [property: Id(1)] string Code, [property: Id(2)] string Detail, [property: Id(3)] ErrorWire[] Errors)
{
    /// <summary>From the port's.</summary>
    public static FailureWire Of(ControlFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return new(failure.Kind, failure.Code, failure.Detail, [.. failure.Errors.Select(static error => new ErrorWire(error.Path, error.Message))]);
    }

    /// <summary>As the port has it.</summary>
    public ControlFailure ToFailure()
        => new(Kind, Code, Detail) { Errors = [.. Errors.Select(static error => new ConfigError(error.Path, error.Message))] };
}

/// <summary>One fault of a document.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.ErrorWire")]
public sealed record ErrorWire([property: Id(0)] string Path, [property: Id(1)] string Message);

/// <summary>Which part of a list is asked for.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.PageRequestWire")]
public sealed record PageRequestWire([property: Id(0)] string? After, [property: Id(1)] int Limit)
{
    /// <summary>From the port's.</summary>
    public static PageRequestWire Of(PageRequest page) => new(page.After, page.Limit);

    /// <summary>As the port has it.</summary>
    public PageRequest ToPage() => new(After, Limit);
}

/// <summary>A part of a list.</summary>
[GenerateSerializer]
[Immutable]
[Alias("OrleansEdge.PageWire`1")]
public sealed record PageWire<T>([property: Id(0)] T[] Items, [property: Id(1)] string? Next)
{
    /// <summary>As the port has it.</summary>
    public Page<TItem> ToPage<TItem>(Func<T, TItem> convert) => new([.. Items.Select(convert)], Next);
}

/// <summary>Makes pages.</summary>
public static class PageWires
{
    /// <summary>From the port's.</summary>
    public static PageWire<T> ToWire<TItem, T>(this Page<TItem> page, Func<TItem, T> convert)
    {
        ArgumentNullException.ThrowIfNull(page);
        return new([.. page.Items.Select(convert)], page.Next);
    }
}
