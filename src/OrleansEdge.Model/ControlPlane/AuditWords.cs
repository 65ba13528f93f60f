using System.Globalization;

namespace OrleansEdge.Model;

/// <summary>The words of the audit that are not said by the caller.</summary>
public static class AuditWords
{
    /// <summary><c>create</c>.</summary>
    public const string Create = "create";
    /// <summary><c>replace</c>.</summary>
    public const string Replace = "replace";
    /// <summary><c>delete</c>.</summary>
    public const string Delete = "delete";
    /// <summary><c>rollback</c>.</summary>
    public const string Rollback = "rollback";
    /// <summary><c>restored</c>.</summary>
    public const string Restored = "restored";
    /// <summary><c>end</c>.</summary>
    public const string End = "end";
    /// <summary><c>drain</c>.</summary>
    public const string Drain = "drain";
    /// <summary><c>alert</c>.</summary>
    public const string Alert = "alert";
    /// <summary><c>domain</c>.</summary>
    public const string Domain = "domain";
    /// <summary><c>tenant</c>.</summary>
    public const string Tenant = "tenant";
    /// <summary><c>session</c>.</summary>
    public const string Session = "session";
    /// <summary><c>gateway</c>.</summary>
    public const string Gateway = "gateway";
    /// <summary><c>plan</c>.</summary>
    public const string Plan = "plan";
    /// <summary><c>quota</c>.</summary>
    public const string Quota = "quota";

    /// <summary>Who a change comes from that was made to a file.</summary>
    public const string ByFile = "file";

    /// <summary>Who does what happens by itself.</summary>
    public const string ByEdge = "edge";

    /// <summary>An id as text.</summary>
    public static string Id(long id) => id.ToString(CultureInfo.InvariantCulture);
}
