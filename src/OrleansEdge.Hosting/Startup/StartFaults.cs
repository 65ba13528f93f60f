using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace OrleansEdge.Hosting.Startup;

/// <summary>Turns what the framework throws at start into sentences for people.</summary>
public static class StartFaults
{
    /// <summary>The fault that a person can mend.</summary>
    /// <returns><see langword="null"/> for everything else: a defect, whose stack trace is wanted.</returns>
    public static StartFaultException? Explain(Exception failure) => failure switch
    {
        StartFaultException fault => fault,
        IStartAdvice advised => new($"{failure.Message.TrimEnd('.')}. {advised.Advice}", failure),
        OptionsValidationException invalid => new(invalid.Failures),
        AggregateException { InnerExceptions.Count: > 0 } several => ExplainAll(several),
        IOException { InnerException: AddressInUseException } taken => new(AddressInUse(taken), taken),
        AddressInUseException taken => new(AddressInUse(taken), taken),
        SocketException { SocketErrorCode: SocketError.AccessDenied } denied
            => new("Cannot listen: this user may not open that port (ports below 1024 need a privilege).", denied),
        SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse } taken
            => new("Cannot listen: the port is already in use by another process.", taken),
        SocketException socket => new($"Cannot listen: {FirstLine(socket.Message)}.", socket),
        IOException or UnauthorizedAccessException => new(FirstLine(failure.Message), failure),
        FormatException or CryptographicException => new([FirstLine(failure.Message)]),
        InvalidOperationException when IsConfiguration(failure) => new([FirstLine(failure.Message)]),
        _ => null,
    };

    private static StartFaultException? ExplainAll(AggregateException several)
    {
        var faults = several.Flatten().InnerExceptions.Select(Explain).ToList();
        return faults.Contains(null) ? null : new(faults.SelectMany(fault => fault!.Message.Split(Environment.NewLine)));
    }

    /// <summary>Kestrel's endpoint configuration and the configuration binder have no exception type of their own.</summary>
    private static bool IsConfiguration(Exception failure)
        => failure.TargetSite?.DeclaringType?.Namespace is { } origin
            && (origin.StartsWith("Microsoft.AspNetCore.Server.Kestrel", StringComparison.Ordinal)
                || origin.StartsWith("Microsoft.AspNetCore.Hosting", StringComparison.Ordinal)
                || origin.StartsWith("Microsoft.Extensions.Configuration", StringComparison.Ordinal));

    // Kestrel: "Failed to bind to address http://127.0.0.1:8080: address already in use."
    private static string AddressInUse(Exception taken)
    {
        var words = taken.Message.Split(' ');
        var address = words.FirstOrDefault(word => word.Contains("://", StringComparison.Ordinal))?.TrimEnd(':', '.');
        return address is null
            ? "Cannot listen: the port is already in use by another process."
            : $"Cannot listen on {address}: the port is already in use by another process.";
    }

    private static string FirstLine(string message) => message.Split('\n', 2)[0].TrimEnd('\r', ' ');
}
