"""Conformance tests for motor families, used by this project and by packages that add a family.

    from sim2real.hardware.conformance.joint_interface import JointInterfaceConformance

    class TestAcmeArm(JointInterfaceConformance):
        robot = "tests/acme_arm.yaml"

`SerialPortConformance` in `serial_ports` has the tests that need real time, `WorkbenchConformance` in
`workbench_interface` the tests of the workbench.

Pytest collects the tests from the class; nothing here imports pytest. For detailed assertion messages, call
`pytest.register_assert_rewrite("sim2real.hardware.conformance")` before the import.
"""
