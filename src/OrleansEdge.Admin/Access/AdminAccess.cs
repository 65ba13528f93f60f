using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Access;

/// <summary>Who called, as the audit shows it.</summary>
internal sealed record AdminCaller(string Name)
{
    /// <summary>A caller on this machine while no key is configured.</summary>
    public static readonly AdminCaller Local = new("local");

    /// <summary>The caller of a request that was let in.</summary>
    public static AdminCaller Of(HttpContext context)
        => context.Features.Get<AdminCaller>() ?? throw new InvalidOperationException("The request was not let in.");
}

/// <summary>Decides who may call. Thread safe.</summary>
internal sealed class AdminAccess(AdminKeyRing keys)
{
    /// <summary>Lets the caller in, so that <see cref="AdminCaller"/> is among the request's features, or says why not.</summary>
    public Problem? Refuse(HttpContext context)
    {
        if (!keys.IsEmpty)
        {
            return RefuseWithoutKey(context);
        }

        var problem = LoopbackCaller.Refuse(context);
        if (problem is null)
        {
            context.Features.Set(AdminCaller.Local);
        }

        return problem;
    }

    private Problem? RefuseWithoutKey(HttpContext context)
    {
        if (ReadKey(context.Request) is not { } key)
        {
            return Unauthorized("The request needs an admin key: Authorization: Bearer KEY.");
        }

        if (keys.FindName(key) is not { } name)
        {
            return Unauthorized("The admin key is not known here.");
        }

        context.Features.Set(new AdminCaller(name));
        return null;
    }

    private static string? ReadKey(HttpRequest request)
    {
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization;
        return header.Count == 1 && header[0]!.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)
            ? header[0]![Scheme.Length..].Trim(' ')
            : null;
    }

    private static Problem Unauthorized(string detail)
        => new(StatusCodes.Status401Unauthorized, "unauthorized", detail) { Header = ("WWW-Authenticate", "Bearer") };
}
