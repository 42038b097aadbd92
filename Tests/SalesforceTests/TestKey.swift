/// A key made for these tests; it opens nothing.
enum TestKey {
    static let privatePEM = """
        -----BEGIN PRIVATE KEY-----
        MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQDC7e3RrCLKkcfo
        4sF8HC/7oKuvXz/C3w53JpA6s/6V89bsBIUX0fsXrR2lRo65XyNuEmiaiYK3IP2r
        IHKsELP2dNt/Lb9xmH5gu+O39GS3NWaqGqWUWyoT10bex1cGTUBd7RZtBfpeRMYr
        CpYcgJWfwvKRoYJme1c+NmF+swSQa8qIphxNfLXg48ohEOlpwp1g+wb2Vtm4sIfb
        mJDKCUDGwLhxRSxjltiR7k+lBfC7DT7aZ7F7BQ6rEZxNGkR5WO2U28ubR87pYYdQ
        g76FsW7s8txeuiRiNE7NhkWhsZBP71EkN5qUxttz/WzPBc62MLHDD2p6lKyjRp5R
        4OtiGNPnAgMBAAECggEAPTmvN2qqONcGI9tJK3rNBWtnUXuI0uPtrrYBmjab0ayX
        hmU7CorNI5gf1iAtxwKfZbzJdzSWxn9JvbzA19OdOt1kbfNIDN15YFfThB1ynura
        drZM6KajtjypSWLyLgwImhfUMeUtSPuwBKfcE1K97EK2ntBMXXUDJ4q8H6gJ2HQ9
        1cA7zt+Q5iUHVvUVfZhxmPYnc7vEtDXmwR1qkBUT3CRCPV8EziJSo932QrV4+Vm1
        mI1J9nG3UTSLhsPMWfg91UpcI2TDImWsPcv/vEbgpyjUhPwQ9L/8v+yg1TSxo0AO
        icLeTDITF+vOCMpCmP60CcNlOscvgFd+J5+Sy99dWQKBgQD2YS2Nw/Y40FqSqgzI
        w3lYAFb0wN9G3+cVJJN2LBcJmZBSAm3sorwYTA+Rc/1klcPJuFhfs/KKn75a0nwm
        TJV3qKlwve5K93nugRXMzR8EPuK66pOlJFNGy+kD8EhoLwWznbHvn2wLU986j5vG
        VCybT+D7aklZ0NcdPI2fpMX/zwKBgQDKinPXtM5bHc6DZXmvQdSzbf0H4bd3lhBE
        t9nfUc7SZO8z+e8hl8M3vGn363qoGu5l2fw8Qm8zvHqwbX/Qlg5sodR6hMpQgvq1
        zNu7zh3pfRm97SaQ8PKBLs9o9Q2DibAhSvu9Vr2ci4I+GtJ9GL4J2I1uMniNP6Dj
        yNNLMwCYaQKBgQC9xzLgnQ5eytbJXCUGy9L/Hxvb4Wja3gLQfWD8yI9iPKA3G1ny
        yZMbIBNp1a9cOCQckFu6NBDiCJQGv1UT5y/GgOsrRZF0u1V3ioTxQRrgGVRp5+Cc
        dvOSd+TfvMj5PyckKJbz3ZfKzesH37B8vz+wzoGdB0zC2yOniIoKa1B8bwKBgQDA
        UH52TwOxmLfCI9RLCOMCDGm51iTys9Z2qWuClJchRx2p6KOa7hM7FPg5o6ovfILo
        yvap8RrNsSV96Dr4v8Kqe27ZdsTzdarAfOgXhzr3vQV4RXndHivlZaEjM6vFPjOz
        KROnUHlx7zWX6rf6eEfZ6XlBLUMyOzx1jPaz7JWgIQKBgFtPSdPEAkDup0hM2nk1
        Pl0jCG3R4rM4BLa/O3ekA/Cr3K+BcSS7IEB7OR2msIH7pY7MWRol/jDFwZM0wPq5
        dav6CEbxzY1LMHvk4djlGVBrRjT6qw+Gi+oPBMTbKLiTMa86uctW6q8SCEiIO37j
        ZfhNPeJbqJKY+rWU1fnhPL5t
        -----END PRIVATE KEY-----
        """
}
