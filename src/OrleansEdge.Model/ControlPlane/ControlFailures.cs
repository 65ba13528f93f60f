namespace OrleansEdge.Model;

/// <summary>The failures of the control plane, with their codes and sentences.</summary>
public static class ControlFailures
{
    /// <summary>No such thing.</summary>
    public static ControlFailure NotFound(string kind, string name)
        => new(ControlFailureKind.NotFound, "not_found", $"There is no {kind} \"{name}\".");

    /// <summary>The version is not kept.</summary>
    public static ControlFailure VersionNotFound(string kind, string name, long version)
        => new(ControlFailureKind.NotFound, "not_found", $"Version {version} of {kind} \"{name}\" is not kept.");

    /// <summary>The version holds no document to go back to.</summary>
    public static ControlFailure VersionIsDeletion(string kind, string name, long version)
        => new(ControlFailureKind.Conflict, "version_deleted", $"Version {version} of {kind} \"{name}\" is its deletion and holds no document.");

    /// <summary>A document with faults.</summary>
    public static ControlFailure Invalid(string kind, IReadOnlyList<ConfigError> errors)
        => new(ControlFailureKind.Invalid, "config_invalid", $"The document of the {kind} has faults: {errors.Text()}") { Errors = errors };

    /// <summary>A stored document that cannot be read.</summary>
    public static ControlFailure Broken(string kind, string name, IReadOnlyList<ConfigError> errors)
        => new(ControlFailureKind.Broken, "config_broken", $"The stored document of {kind} \"{name}\" cannot be read: {errors.Text()}") { Errors = errors };

    /// <summary>A tenant that has domains cannot be deleted.</summary>
    public static ControlFailure TenantHasDomains(string tenant, string domain)
        => new(ControlFailureKind.Conflict, "tenant_has_domains", $"Tenant \"{tenant}\" has domains, among them \"{domain}\": delete them or move them first.");

    /// <summary>A cursor that no page of the list gave.</summary>
    public static ControlFailure BadCursor(string cursor)
        => new(ControlFailureKind.Invalid, "cursor_invalid", $"\"{cursor}\" is not a cursor of this list.");

    /// <summary>A parameter that breaks a rule.</summary>
    public static ControlFailure BadParameter(string name, string rule)
        => new(ControlFailureKind.Invalid, "parameter_invalid", $"{name} {rule}.");

    /// <summary>What is stored cannot be read or written now.</summary>
    public static ControlFailure Unavailable(string reason)
        => new(ControlFailureKind.Unavailable, "unavailable", reason);

    /// <summary>What of a precondition does not hold; null: all does.</summary>
    /// <param name="kind">The word for the kind of document.</param>
    /// <param name="name">Its name.</param>
    /// <param name="version">The current version; null: there is no document.</param>
    /// <param name="precondition">What must hold.</param>
    public static ControlFailure? Check(string kind, string name, long? version, Precondition precondition)
    {
        if (precondition.IfNoneMatch && version is not null)
        {
            return PreconditionFailed($"There is a {kind} \"{name}\" already.");
        }

        if (version is null && (precondition.MustExist || precondition.IfMatch is not null))
        {
            return PreconditionFailed($"There is no {kind} \"{name}\".");
        }

        return precondition.IfMatch is { } expected && expected != version
            ? PreconditionFailed($"The {kind} \"{name}\" is at version {version}, not {expected}.")
            : null;
    }

    private static ControlFailure PreconditionFailed(string detail) => new(ControlFailureKind.PreconditionFailed, "precondition_failed", detail);
}
