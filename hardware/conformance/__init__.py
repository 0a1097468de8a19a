"""Laws that every family of motors obeys, for the test suites of this project and of packages that add a family.

    from sim2real.hardware.conformance.joint_interface import JointInterfaceConformance

    class TestAcmeArm(JointInterfaceConformance):
        robot = "tests/acme_arm.yaml"

`SerialPortConformance` in `serial_ports` has the laws that need real time, `WorkbenchConformance` in
`workbench_interface` those of bench work.

Pytest collects the laws as tests of the class; nothing here imports pytest. For its detailed assertions put
`pytest.register_assert_rewrite("sim2real.hardware.conformance")` before the import.
"""
